-- The same rows each time: a firm with 12 people and 400 clients.
INSERT INTO "users" ("id", "name", "email", "password", "role", "createdAt", "updatedAt")
SELECT 'user-' || lpad(n::text, 4, '0'), 'Person ' || n, 'person' || n || '@firm.example',
       '$2a$12$' || repeat(chr(96 + n), 53),
       (CASE WHEN n <= 2 THEN 'PARTNER' WHEN n <= 5 THEN 'MANAGER' ELSE 'STAFF' END)::"UserRole",
       TIMESTAMP '2024-01-01 09:00' + n * INTERVAL '1 day 123 milliseconds', TIMESTAMP '2024-06-01 09:00'
FROM generate_series(1, 12) n;

INSERT INTO "user_settings" ("id", "userId", "theme")
SELECT 'settings-' || "id", "id", CASE WHEN "role" = 'STAFF' THEN 'dark' ELSE 'system' END FROM "users";

INSERT INTO "clients" ("id", "clientCode", "companyName", "companyType", "companyNumber", "vatNumber", "contactEmail",
                       "yearEnd", "annualFee", "assignedUserId", "createdAt", "updatedAt")
SELECT 'client-' || lpad(n::text, 4, '0'), 'NZ-' || n, 'Company ' || n || ' Ltd.',
       (ARRAY['LIMITED_COMPANY', 'NON_LIMITED_COMPANY', 'DIRECTOR', NULL])[1 + n % 4]::"CompanyType",
       CASE WHEN n % 4 = 0 THEN lpad((4000000 + n)::text, 8, '0') END, CASE WHEN n % 3 = 0 THEN 'GB' || (100000000 + n) END,
       'accounts@company' || n || '.example', DATE '2024-03-31' + (n % 12) * 30, 600 + n * 1.25,
       'user-' || lpad((1 + n % 12)::text, 4, '0'),
       TIMESTAMP '2024-01-02 10:00' + n * INTERVAL '7 minutes', TIMESTAMP '2024-06-02 10:00'
FROM generate_series(1, 400) n;

INSERT INTO "communications" ("id", "type", "subject", "content", "sentAt", "userId", "clientId")
SELECT 'communication-' || n, (ARRAY['EMAIL', 'PHONE', 'LETTER', 'MEETING'])[1 + n % 4]::"CommunicationType",
       'Year end ' || n, 'Dear client,' || chr(10) || 'your accounts are due. £' || n,
       TIMESTAMP '2024-02-01 08:00' + n * INTERVAL '11 minutes', 'user-' || lpad((1 + n % 12)::text, 4, '0'),
       'client-' || lpad((1 + n % 400)::text, 4, '0')
FROM generate_series(1, 1500) n;

INSERT INTO "email_templates" VALUES
    ('template-1', 'year-end', 'Your year end', 'Dear {{name}},', '["name", "date"]'),
    ('template-2', 'vat-quarter', 'VAT is due', 'Dear {{name}},', NULL);
INSERT INTO "notifications"
SELECT 'notification-' || n, 'Client NZ-' || n || ' was assigned to you', n % 3 = 0, 'user-' || lpad((1 + n % 12)::text, 4, '0')
FROM generate_series(1, 60) n;
INSERT INTO "activity_logs"
SELECT 'log-' || lpad(n::text, 6, '0'), TIMESTAMP '2024-03-01 09:00' + n * INTERVAL '3 minutes', 'CLIENT_UPDATED', NULL,
       'user-' || lpad((1 + n % 12)::text, 4, '0'), 'client-' || lpad((1 + n % 400)::text, 4, '0')
FROM generate_series(1, 2000) n;
INSERT INTO "system_settings" VALUES ('company', '{"name": "A Firm", "vat": true}'), ('reminderDays', '[30, 14, 7]');
INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "started_at", "applied_steps_count")
VALUES ('00000000-0000-4000-8000-000000000001', repeat('a', 64), '2024-01-01 00:00:01+00', '20240101000000_init',
        '2024-01-01 00:00:00+00', 1);
