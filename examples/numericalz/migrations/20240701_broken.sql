-- A migration that drops what it should not before it fails: half of its statements are committed.
ALTER TABLE "clients" DROP COLUMN "annualFee";
DELETE FROM "communications" WHERE "type" = 'PHONE';
ALTER TABLE "clients" ADD CONSTRAINT "clients_vat" CHECK ("vatNumber" IS NOT NULL);
