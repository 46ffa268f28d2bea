-- The same rows each time: 500 people, their roles and sessions, and what they did.
INSERT INTO users (id, email, full_name, password_hash, status, last_sign_in, created_at)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'someone' || n || '@corp.example',
       'Someone Number ' || n, '$argon2id$' || md5(n::text),
       (ARRAY['ACTIVE', 'ACTIVE', 'ACTIVE', 'INVITED', 'LOCKED'])[1 + n % 5]::"Status",
       CASE WHEN n % 5 < 3 THEN TIMESTAMPTZ '2024-01-01 12:00+00' + n * INTERVAL '1 hour' END,
       TIMESTAMPTZ '2023-01-01 12:00+00' + n * INTERVAL '3 hours 7.123456 seconds'
FROM generate_series(1, 500) n;
INSERT INTO roles (name, permissions)
VALUES ('admin', '{users.read,users.write,backups.restore}'), ('support', '{users.read}'), ('member', '{}');
INSERT INTO user_roles
SELECT id, CASE WHEN email LIKE 'someone1@%' THEN 1 WHEN email LIKE '%0@%' THEN 2 ELSE 3 END FROM users;
INSERT INTO sessions (user_id, token, expires_at)
SELECT id, md5('session' || email), TIMESTAMPTZ '2024-02-01 00:00+00' FROM users WHERE status = 'ACTIVE';
INSERT INTO audit_logs (at, actor, action, detail)
SELECT TIMESTAMPTZ '2024-01-01 00:00+00' + n * INTERVAL '5 minutes', 'someone' || (1 + n % 500) || '@corp.example',
       CASE WHEN n % 7 = 0 THEN 'user.update' ELSE 'session.create' END, CASE WHEN n % 7 = 0 THEN 'name, "status"' END
FROM generate_series(1, 3000) n;
