--
-- PostgreSQL database dump
--

\restrict YSf2YfmsvPtTf3bKk505INA6emMbUjWbMiqkNrpBmsnaR2v43tcTvGzsxr6mEqa

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: items; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.items (
    id integer NOT NULL,
    name text NOT NULL,
    price numeric(10,2),
    at timestamp with time zone,
    ok boolean
);


ALTER TABLE public.items OWNER TO postgres;

--
-- Name: notes; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.notes (
    id integer NOT NULL,
    body text
);


ALTER TABLE public.notes OWNER TO postgres;

--
-- Name: 77; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('77');


ALTER LARGE OBJECT 77 OWNER TO postgres;

--
-- Data for Name: items; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.items (id, name, price, at, ok) FROM stdin;
1	item c4ca4238a0b923820dcc509a6f75849b	0.14	2024-01-01 01:00:00+00	f
2	item c81e728d9d4c2f636f067f89cc14862c	0.29	2024-01-01 02:00:00+00	t
3	item eccbc87e4b5ce2fe28308fd9f2a7baf3	0.43	2024-01-01 03:00:00+00	f
4	item a87ff679a2f3e71d9181a67b7542122c	0.57	2024-01-01 04:00:00+00	t
5	item e4da3b7fbbce2345d7772b0674a318d5	0.71	2024-01-01 05:00:00+00	f
6	item 1679091c5a880faf6fb5e6087eb1b2dc	0.86	2024-01-01 06:00:00+00	t
7	item 8f14e45fceea167a5a36dedd4bea2543	1.00	2024-01-01 07:00:00+00	f
8	item c9f0f895fb98ab9159f51fd0297e236d	1.14	2024-01-01 08:00:00+00	t
9	item 45c48cce2e2d7fbdea1afc51c7c6ad26	1.29	2024-01-01 09:00:00+00	f
10	item d3d9446802a44259755d38e6d163e820	1.43	2024-01-01 10:00:00+00	t
11	item 6512bd43d9caa6e02c990b0a82652dca	1.57	2024-01-01 11:00:00+00	f
12	item c20ad4d76fe97759aa27a0c99bff6710	1.71	2024-01-01 12:00:00+00	t
13	item c51ce410c124a10e0db5e4b97fc2af39	1.86	2024-01-01 13:00:00+00	f
14	item aab3238922bcc25a6f606eb525ffdc56	2.00	2024-01-01 14:00:00+00	t
15	item 9bf31c7ff062936a96d3c8bd1f8f2ff3	2.14	2024-01-01 15:00:00+00	f
16	item c74d97b01eae257e44aa9d5bade97baf	2.29	2024-01-01 16:00:00+00	t
17	item 70efdf2ec9b086079795c442636b55fb	2.43	2024-01-01 17:00:00+00	f
18	item 6f4922f45568161a8cdf4ad2299f6d23	2.57	2024-01-01 18:00:00+00	t
19	item 1f0e3dad99908345f7439f8ffabdffc4	2.71	2024-01-01 19:00:00+00	f
20	item 98f13708210194c475687be6106a3b84	2.86	2024-01-01 20:00:00+00	t
21	item 3c59dc048e8850243be8079a5c74d079	3.00	2024-01-01 21:00:00+00	f
22	item b6d767d2f8ed5d21a44b0e5886680cb9	3.14	2024-01-01 22:00:00+00	t
23	item 37693cfc748049e45d87b8c7d8b9aacd	3.29	2024-01-01 23:00:00+00	f
24	item 1ff1de774005f8da13f42943881c655f	3.43	2024-01-02 00:00:00+00	t
25	item 8e296a067a37563370ded05f5a3bf3ec	3.57	2024-01-02 01:00:00+00	f
26	item 4e732ced3463d06de0ca9a15b6153677	3.71	2024-01-02 02:00:00+00	t
27	item 02e74f10e0327ad868d138f2b4fdd6f0	3.86	2024-01-02 03:00:00+00	f
28	item 33e75ff09dd601bbe69f351039152189	4.00	2024-01-02 04:00:00+00	t
29	item 6ea9ab1baa0efb9e19094440c317e21b	4.14	2024-01-02 05:00:00+00	f
30	item 34173cb38f07f89ddbebc2ac9128303f	4.29	2024-01-02 06:00:00+00	t
31	item c16a5320fa475530d9583c34fd356ef5	4.43	2024-01-02 07:00:00+00	f
32	item 6364d3f0f495b6ab9dcf8d3b5c6e0b01	4.57	2024-01-02 08:00:00+00	t
33	item 182be0c5cdcd5072bb1864cdee4d3d6e	4.71	2024-01-02 09:00:00+00	f
34	item e369853df766fa44e1ed0ff613f563bd	4.86	2024-01-02 10:00:00+00	t
35	item 1c383cd30b7c298ab50293adfecb7b18	5.00	2024-01-02 11:00:00+00	f
36	item 19ca14e7ea6328a42e0eb13d585e4c22	5.14	2024-01-02 12:00:00+00	t
37	item a5bfc9e07964f8dddeb95fc584cd965d	5.29	2024-01-02 13:00:00+00	f
38	item a5771bce93e200c36f7cd9dfd0e5deaa	5.43	2024-01-02 14:00:00+00	t
39	item d67d8ab4f4c10bf22aa353e27879133c	5.57	2024-01-02 15:00:00+00	f
40	item d645920e395fedad7bbbed0eca3fe2e0	5.71	2024-01-02 16:00:00+00	t
41	item 3416a75f4cea9109507cacd8e2f2aefc	5.86	2024-01-02 17:00:00+00	f
42	item a1d0c6e83f027327d8461063f4ac58a6	6.00	2024-01-02 18:00:00+00	t
43	item 17e62166fc8586dfa4d1bc0e1742c08b	6.14	2024-01-02 19:00:00+00	f
44	item f7177163c833dff4b38fc8d2872f1ec6	6.29	2024-01-02 20:00:00+00	t
45	item 6c8349cc7260ae62e3b1396831a8398f	6.43	2024-01-02 21:00:00+00	f
46	item d9d4f495e875a2e075a1a4a6e1b9770f	6.57	2024-01-02 22:00:00+00	t
47	item 67c6a1e7ce56d3d6fa748ab6d9af3fd7	6.71	2024-01-02 23:00:00+00	f
48	item 642e92efb79421734881b53e1e1b18b6	6.86	2024-01-03 00:00:00+00	t
49	item f457c545a9ded88f18ecee47145a72c0	7.00	2024-01-03 01:00:00+00	f
50	item c0c7c76d30bd3dcaefc96f40275bdc0a	7.14	2024-01-03 02:00:00+00	t
51	item 2838023a778dfaecdc212708f721b788	7.29	2024-01-03 03:00:00+00	f
52	item 9a1158154dfa42caddbd0694a4e9bdc8	7.43	2024-01-03 04:00:00+00	t
53	item d82c8d1619ad8176d665453cfb2e55f0	7.57	2024-01-03 05:00:00+00	f
54	item a684eceee76fc522773286a895bc8436	7.71	2024-01-03 06:00:00+00	t
55	item b53b3a3d6ab90ce0268229151c9bde11	7.86	2024-01-03 07:00:00+00	f
56	item 9f61408e3afb633e50cdf1b20de6f466	8.00	2024-01-03 08:00:00+00	t
57	item 72b32a1f754ba1c09b3695e0cb6cde7f	8.14	2024-01-03 09:00:00+00	f
58	item 66f041e16a60928b05a7e228a89c3799	8.29	2024-01-03 10:00:00+00	t
59	item 093f65e080a295f8076b1c5722a46aa2	8.43	2024-01-03 11:00:00+00	f
60	item 072b030ba126b2f4b2374f342be9ed44	8.57	2024-01-03 12:00:00+00	t
\.


--
-- Data for Name: notes; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.notes (id, body) FROM stdin;
1	a\tb 1
2	a\tb 2
3	a\tb 3
4	a\tb 4
5	a\tb 5
6	a\tb 6
7	a\tb 7
8	a\tb 8
9	a\tb 9
10	a\tb 10
11	a\tb 11
12	a\tb 12
13	a\tb 13
14	a\tb 14
15	a\tb 15
16	a\tb 16
17	a\tb 17
18	a\tb 18
19	a\tb 19
20	a\tb 20
\.


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('77', 131072);
SELECT pg_catalog.lowrite(0, '\x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: items items_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id);


--
-- Name: notes notes_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.notes
    ADD CONSTRAINT notes_pkey PRIMARY KEY (id);


--
-- Name: notes notes_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.notes
    ADD CONSTRAINT notes_id_fkey FOREIGN KEY (id) REFERENCES public.items(id);


--
-- PostgreSQL database dump complete
--

\unrestrict YSf2YfmsvPtTf3bKk505INA6emMbUjWbMiqkNrpBmsnaR2v43tcTvGzsxr6mEqa

