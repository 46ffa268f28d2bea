"""Takes mail on a free port of this machine, and writes each letter as a line of JSON."""
import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Sink:
    async def handle_DATA(self, server, session, envelope):
        letter = {
            "hello": session.host_name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "login": session.auth_data,
            "content": envelope.content.decode(),
        }
        print(json.dumps(letter), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    given = (data.login.decode(), data.password.decode())
    # What is not handled is answered by the server.
    return AuthResult(success=given == ("rowkeep", "correct horse"), handled=False, auth_data=given[0])


async def serve():
    options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink(), **options), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    # Who started this ends it by closing its input.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
