"""Uses the service through a client that was generated from its description: a backup, a restore of what is lost, its undo."""

import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.getcwd(), "client"))

from rowkeep_client import AuthenticatedClient  # noqa: E402
from rowkeep_client.api.audit import list_audit  # noqa: E402
from rowkeep_client.api.databases import back_up, compare, list_databases, list_differences  # noqa: E402
from rowkeep_client.api.databases import list_snapshots, plan_restore, plan_undo  # noqa: E402
from rowkeep_client.api.jobs import get_job, watch_job  # noqa: E402
from rowkeep_client.api.plans import execute_plan, list_plans  # noqa: E402
from rowkeep_client.models import BackupBody, BackupBodyTags, ComparisonBody, ExecutionBody, JobState  # noqa: E402
from rowkeep_client.models import Problem, RestoreBody, Wanted  # noqa: E402

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["TOKEN"], timeout=90)


def customers():
    """How many rows the table has, as the database itself says."""
    with sqlite3.connect(os.environ["DATABASE"]) as database:
        return database.execute("SELECT count(*) FROM customers").fetchone()[0]


def done(job):
    """The job, which has to be over and done."""
    assert not isinstance(job, Problem), job
    assert job.state == JobState.DONE, job
    return job


def newest_plan():
    return list_plans.sync(client=client).plans[-1]


names = [database.name for database in list_databases.sync(client=client).databases]
assert names == ["orders", "shop"], names

tags = BackupBodyTags.from_dict({"release": "v1"})
backup = done(back_up.sync("shop", client=client, body=BackupBody(tags=tags), wait="60s"))
done(back_up.sync("shop", client=client, wait="60s"))
assert get_job.sync(backup.id, client=client).database == "shop"
assert "event: end" in watch_job.sync_detailed(backup.id, client=client).content.decode()

snapshots = list_snapshots.sync("shop", client=client).snapshots
assert [snapshot.database for snapshot in snapshots] == ["shop", "shop"], snapshots
assert snapshots[1].tags.to_dict()["release"] == "v1" and snapshots[1].rows == 500, snapshots[1]
page = list_snapshots.sync("shop", client=client, limit=1)
rest = list_snapshots.sync("shop", client=client, limit=1, cursor=page.next_cursor)
assert [one.snapshots[0].id for one in (page, rest)] == [snapshot.id for snapshot in snapshots]
tag = list_snapshots.sync_detailed("shop", client=client).headers["etag"]
assert list_snapshots.sync_detailed("shop", client=client, if_none_match=tag).status_code == 304

with sqlite3.connect(os.environ["DATABASE"]) as database:
    database.execute("DELETE FROM customers WHERE id IN (1, 2, 3)")
    database.execute("UPDATE customers SET name = 'another' WHERE id = 4")
assert customers() == 497

compared = compare.sync("shop", client=client, body=ComparisonBody(before="latest"), wait="60s")
assert compared.state == JobState.DIFFERENCES, compared
differing = list_differences.sync("shop", client=client, before="latest", table="customers")
assert differing.counts.to_dict() == {"inserted": 0, "updated": 1, "deleted": 3}, differing
assert len(differing.rows) == 4, differing

wanted = Wanted(keys=["customers:1", "customers:2"])
restore = RestoreBody(snapshot="latest", wanted=wanted)
done(plan_restore.sync("shop", client=client, body=restore, wait="60s"))
assert customers() == 497, "a plan changes nothing"
plan = newest_plan()
refused = execute_plan.sync(plan.id, client=client, body=ExecutionBody(confirm="orders"), wait="60s")
assert isinstance(refused, Problem) and refused.code == "unprocessable", refused
done(execute_plan.sync(plan.id, client=client, body=ExecutionBody(confirm="shop"), wait="60s"))
assert customers() == 499
again = execute_plan.sync(plan.id, client=client, body=ExecutionBody(confirm="shop"), wait="60s")
assert isinstance(again, Problem) and again.status == 409 and again.detail, again

done(plan_undo.sync("shop", client=client, wait="60s"))
done(execute_plan.sync(newest_plan().id, client=client, body=ExecutionBody(confirm="shop"), wait="60s"))
assert customers() == 497

entries = list_audit.sync(client=client, limit=500).entries
assert {"backup.create", "restore.plan", "undo.plan", "plan.execute"} <= {entry.action for entry in entries}, entries
missing = get_job.sync("none", client=client)
assert isinstance(missing, Problem) and missing.code == "not_found", missing
print("done")
