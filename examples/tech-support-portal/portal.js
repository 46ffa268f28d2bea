// The portal as far as its backups meet it: what a client reads from D1 and R2, and a page that says that it is being maintained.

export default {
  async fetch(request, env) {
    const [, first, second] = new URL(request.url).pathname.split("/");
    if (env.MAINTENANCE_MODE === "true") return new Response("We will be back soon.", { status: 503 });
    if (first === "tickets") {
      const ticket = await env.DB.prepare("SELECT id, title, status FROM tickets WHERE id = ?1").bind(second).first();
      return ticket ? Response.json(ticket) : new Response("no such ticket", { status: 404 });
    }
    if (first === "search") {
      const found = env.DB.prepare("SELECT rowid AS id FROM ticket_search WHERE ticket_search MATCH ?1 ORDER BY rowid");
      return Response.json((await found.bind(second).all()).results.map(({ id }) => id));
    }
    if (first === "documents") {
      const document = await env.DB.prepare("SELECT object_key FROM documents WHERE id = ?1").bind(second).first();
      if (!document) return new Response("no such document", { status: 404 });
      if (request.method === "PUT") {
        await env.DOCUMENTS.put(document.object_key, request.body);
        return new Response("kept");
      }
      const object = await env.DOCUMENTS.get(document.object_key);
      return object ? new Response(object.body) : new Response("no such object", { status: 404 });
    }
    return new Response("no such page", { status: 404 });
  },
};
