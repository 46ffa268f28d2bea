-- The same rows each time: one statement a paragraph.
INSERT INTO clients WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
  SELECT printf('client-%03d', i), 'Client ' || i, printf('office%d@client.example', i), datetime('2024-01-01', i || ' days') FROM n;

INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
  SELECT printf('user-%03d', i), printf('client-%03d', 1 + i % 40), printf('person%d@client.example', i),
    CASE i WHEN 1 THEN 'admin' ELSE 'member' END, datetime('2024-01-01', i || ' hours') FROM n;

INSERT INTO service_packages VALUES (1, 'Remote help', 4900), (2, 'On site', 14900), (3, 'All hours', 39900);

INSERT INTO subscriptions SELECT id, 1 + substr(id, 8) % 3, '2024-01-01' FROM clients;

INSERT INTO projects SELECT 'project-' || substr(id, 8), id, 'New office of ' || name FROM clients;

INSERT INTO tickets (client_id, project_id, title, status, created_at)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
  SELECT printf('client-%03d', 1 + i % 40), CASE i % 3 WHEN 0 THEN printf('project-%03d', 1 + i % 40) END,
    CASE i % 4 WHEN 0 THEN 'Printer' WHEN 1 THEN 'Mail' WHEN 2 THEN 'Network' ELSE 'Telephone' END || ' does not answer, no. ' || i,
    CASE i % 5 WHEN 0 THEN 'open' WHEN 1 THEN 'waiting' ELSE 'closed' END, datetime('2024-02-01', i || ' minutes') FROM n;

INSERT INTO ticket_comments (ticket_id, user_id, body)
  SELECT id, printf('user-%03d', 1 + id % 120), 'Looked at:' || char(10) || 'line ' || id || ' of "the log"' FROM tickets;

INSERT INTO invoices WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
  SELECT i, printf('client-%03d', 1 + i % 40), printf('INV-2024-%04d', i), datetime('2024-03-01', i || ' hours') FROM n;

INSERT INTO invoice_items SELECT id, 1, 'Remote help', 4900 FROM invoices UNION ALL SELECT id, 2, 'Travel', 1250 FROM invoices;

INSERT INTO payments SELECT id, id, 9007199254740993 + id * 2, 6150 FROM invoices WHERE id % 2 = 0;

INSERT INTO documents SELECT 'document-' || substr(id, 8), id, 'contracts/' || id || '.txt',
  CAST(x'00ff10' AS BLOB) || CAST(id AS BLOB) FROM clients;

INSERT INTO api_usage SELECT '2024-03-01', id, 10 * substr(id, 8), substr(id, 8) / 7.0 FROM clients;

INSERT INTO activity_log (id, action, entity_type, created_at) VALUES ('first', 'portal_opened', 'portal', '2024-01-01 00:00:00');
