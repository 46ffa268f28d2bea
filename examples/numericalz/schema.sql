-- The tables of an accounting firm's internal management system, as its object-relational mapper would make them.
CREATE TYPE "UserRole" AS ENUM ('PARTNER', 'MANAGER', 'STAFF');
CREATE TYPE "CompanyType" AS ENUM ('LIMITED_COMPANY', 'NON_LIMITED_COMPANY', 'DIRECTOR', 'SUB_CONTRACTOR');
CREATE TYPE "CommunicationType" AS ENUM ('EMAIL', 'PHONE', 'LETTER', 'MEETING');

CREATE TABLE "users" (
    "id" TEXT PRIMARY KEY,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "role" "UserRole" NOT NULL DEFAULT 'STAFF',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL
);
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");

CREATE TABLE "user_settings" (
    "id" TEXT PRIMARY KEY,
    "userId" TEXT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    "emailNotifications" BOOLEAN NOT NULL DEFAULT true,
    "theme" TEXT NOT NULL DEFAULT 'system'
);
CREATE UNIQUE INDEX "user_settings_userId_key" ON "user_settings" ("userId");

CREATE TABLE "clients" (
    "id" TEXT PRIMARY KEY,
    "clientCode" TEXT NOT NULL,
    "companyName" TEXT NOT NULL,
    "companyType" "CompanyType",
    "companyNumber" TEXT,
    "vatNumber" TEXT,
    "contactEmail" TEXT NOT NULL,
    "yearEnd" DATE,
    "annualFee" DECIMAL(10,2),
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "assignedUserId" TEXT REFERENCES "users" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL
);
CREATE UNIQUE INDEX "clients_clientCode_key" ON "clients" ("clientCode");
CREATE INDEX "clients_assignedUserId_idx" ON "clients" ("assignedUserId");

CREATE TABLE "communications" (
    "id" TEXT PRIMARY KEY,
    "type" "CommunicationType" NOT NULL,
    "subject" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "sentAt" TIMESTAMP(3) NOT NULL,
    "userId" TEXT NOT NULL REFERENCES "users" ("id"),
    "clientId" TEXT REFERENCES "clients" ("id") ON DELETE CASCADE
);

CREATE TABLE "email_templates" (
    "id" TEXT PRIMARY KEY,
    "name" TEXT NOT NULL UNIQUE,
    "subject" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "variables" JSONB
);

CREATE TABLE "notifications" (
    "id" TEXT PRIMARY KEY,
    "message" TEXT NOT NULL,
    "isRead" BOOLEAN NOT NULL DEFAULT false,
    "userId" TEXT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);

CREATE TABLE "activity_logs" (
    "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
    "timestamp" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "action" TEXT NOT NULL,
    "details" TEXT,
    "userId" TEXT REFERENCES "users" ("id") ON DELETE SET NULL,
    "clientId" TEXT REFERENCES "clients" ("id") ON DELETE SET NULL
);

CREATE TABLE "system_settings" (
    "key" TEXT PRIMARY KEY,
    "value" JSONB NOT NULL
);

CREATE TABLE "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
);
