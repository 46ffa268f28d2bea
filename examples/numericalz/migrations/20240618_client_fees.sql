-- A migration that fits the data: a column, and an index.
ALTER TABLE "clients" ADD COLUMN "feeReviewed" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "clients_yearEnd_idx" ON "clients" ("yearEnd");
INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "applied_steps_count")
VALUES ('00000000-0000-4000-8000-000000000002', repeat('b', 64), now(), '20240618_client_fees', 1);
