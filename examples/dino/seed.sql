-- The same rows each time: 200 travellers, 2,500 visits.
INSERT INTO "User"
SELECT 'user' || lpad(n::text, 5, '0'), 'traveller' || n || '@example.net', CASE WHEN n % 10 > 0 THEN 'Traveller ' || n END,
       NULL, TIMESTAMP '2024-01-01 00:00' + n * INTERVAL '2 hours 34 milliseconds', TIMESTAMP '2024-06-01 00:00'
FROM generate_series(1, 200) n;
INSERT INTO "CountryVisit"
SELECT 'visit' || lpad(n::text, 6, '0'), (ARRAY['FR', 'TH', 'VN', 'DE', 'JP', 'KR', 'PT'])[1 + n % 7],
       TIMESTAMP '2023-01-01 06:30' + n * INTERVAL '5 hours',
       CASE WHEN n % 50 > 0 THEN TIMESTAMP '2023-01-09 18:00' + n * INTERVAL '5 hours' END,
       (ARRAY['Tourist', 'Business', 'Visa exempt'])[1 + n % 3], (ARRAY[30, 60, 90])[1 + n % 3],
       CASE WHEN n % 4 = 0 THEN 'Beach & "food" – ' || n END, 'user' || lpad((1 + n % 200)::text, 5, '0')
FROM generate_series(1, 2500) n;
INSERT INTO "Account"
SELECT 'account' || n, 'user' || lpad(n::text, 5, '0'), 'google', (100000000000 + n)::text, md5('refresh' || n), 1717200000 + n
FROM generate_series(1, 200) n;
INSERT INTO "Session"
SELECT 'session' || n, md5('session' || n), 'user' || lpad(n::text, 5, '0'), TIMESTAMP '2024-07-01 00:00'
FROM generate_series(1, 80) n;
