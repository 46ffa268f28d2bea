#!/usr/bin/env python3
"""Reads a repository of rowkeep without rowkeep.

    pip install zstandard cryptography blake3 argon2-cffi

    read-rowkeep.py list   REPOSITORY --key-file FILE
    read-rowkeep.py verify REPOSITORY --key-file FILE [SNAPSHOT]
    read-rowkeep.py sql    REPOSITORY --key-file FILE SNAPSHOT > all.sql
    read-rowkeep.py csv    REPOSITORY --key-file FILE SNAPSHOT FOLDER

REPOSITORY is a folder; fetch a bucket into one first. Nothing is ever written into it. The program follows FORMAT.md,
whose headings its sections have, and keeps one run of rows in memory at a time.
"""
import argparse, getpass, itertools, json, math, os, re, struct, sys
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

try:
    import zstandard
    from argon2.low_level import Type, hash_secret_raw
    from blake3 import blake3
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as missing:
    sys.exit(f"error: {missing}: run `pip install zstandard cryptography blake3 argon2-cffi`")

class Failure(Exception):
    """What cannot be done, in words, and the exit status that the program ends with."""
    status = 1
class Damage(Failure):  # something in the repository is lost, or is not what it says it is
    status = 3
class Refused(Failure):  # the repository does not open with what was given
    status = 4

# ---- Part I: integers and hashes ---------------------------------------------------------------
class Cursor:
    """Bytes that are read from the front. Every integer is little endian."""
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Damage("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def uint(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.uint(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

u32 = struct.Struct("<I").pack

def derive(context, material):
    return blake3(material, derive_key_context=context).digest()

def unzstd(data, length, prefix=b""):
    """One zstd frame that decompresses to `length` bytes, perhaps as a difference to a prefix."""
    base = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if prefix else None
    decompressor = zstandard.ZstdDecompressor(dict_data=base, max_window_size=1 << 31)
    return decompressor.decompress(data, max_output_size=max(length, 1), allow_extra_data=False)

# ---- Part I: objects, keys, sealing, packs, documents ------------------------------------------
class Repository:
    """A folder of objects, opened with a secret: a key file, a passphrase, or none for what is not encrypted."""
    def __init__(self, folder, key_file, passphrase):
        self.folder, self.warned = Path(folder), False
        try:
            config = json.loads((self.folder / "config").read_bytes())
            version, identifier, self.encryption = config["format"], config["id"], config["encryption"]
        except OSError as error:
            raise Failure(f"{folder} is no repository that can be read: {error}") from None
        except (ValueError, KeyError, TypeError):
            raise Damage(f"{folder}/config is damaged") from None
        if version not in (1, 2):
            raise Failure(f"{folder} has format {version}, and this program reads 1 and 2: take a newer one")
        said = f"rowkeep config {version} {identifier} {self.encryption}".encode()
        if blake3(said).hexdigest(16) != config.get("checksum"):
            raise Damage(f"{folder}/config is damaged: its checksum is another")
        self.id = bytes.fromhex(identifier)
        # Never without a secret because `config` says so: somebody could have put another repository there.
        if (key_file or passphrase) is None:
            if self.encryption != "none":
                raise Refused(f"{folder} is encrypted: give --key-file, --passphrase-file or ROWKEEP_PASSPHRASE")
            master = derive("rowkeep v1 2026 public master key", self.id)
        elif self.encryption == "none":
            raise Refused(f"{folder} is not encrypted, so nothing proves who wrote it: read it with --unencrypted")
        else:
            master = self.unlock(key_file, passphrase)
        self.names_key = derive("rowkeep v1 2026 chunk names", master)
        self.seal_key = derive("rowkeep v1 2026 seal", master)

    def warn(self, text):
        self.warned = True
        print(f"warning: {text}", file=sys.stderr)

    def names(self, folder):
        return sorted(os.listdir(self.folder / folder)) if (self.folder / folder).is_dir() else []

    def object(self, name):
        """An object as a whole, whose name is the beginning of the hash of its bytes."""
        data = (self.folder / name).read_bytes()
        if not blake3(data).hexdigest().startswith(Path(name).name):
            raise Damage(f"{name} is damaged: it does not hash to its name")
        return data

    def unlock(self, key_file, passphrase):
        """The master key, out of the first key slot that opens."""
        kind, tried = "passphrase" if key_file is None else "keyfile", 0
        for name in self.names("keys"):
            try:
                slot = json.loads(self.object(f"keys/{name}"))
                salt, wrapped = bytes.fromhex(slot["salt"]), bytes.fromhex(slot["wrapped"])
                if slot["repository"] != self.id.hex() or slot["kind"] != kind or tried == 64:
                    continue
                tried += 1
                if kind == "keyfile":
                    key = derive("rowkeep v1 2026 key file", key_file + salt)
                else:
                    memory, passes, lanes = (slot["kdf"][cost] for cost in ("memory_kib", "passes", "lanes"))
                    if memory > 4 << 20 or passes > 64 or lanes > 64:
                        raise Damage("it asks for more memory or time than any slot may")
                    key = hash_secret_raw(passphrase, salt, passes, memory, lanes, 32, Type.ID, 0x13)
                bound = b"rowkeep key slot v1" + self.id
                for text in (self.encryption, kind, slot["label"], slot["created"]):
                    bound += u32(len(text.encode())) + text.encode()
                return AESGCM(key).decrypt(bytes(12), wrapped, bound)
            except InvalidTag:
                pass  # it belongs to another secret
            except (OSError, Damage, ValueError, KeyError, TypeError) as error:
                self.warn(f"key slot {name} is passed over: {error}")
        raise Refused(f"this {kind} opens none of the {tried} key slots of that kind in {self.folder}")

    def unseal(self, magic, salt, nonce, description, sealed):
        """What was sealed as a part of an object."""
        key = blake3(salt, key=self.seal_key).digest()
        bound = self.id + magic + u32(1) + description
        try:
            if self.encryption != "none":
                return AESGCM(key).decrypt(nonce, sealed, bound)
            plain, tag = sealed[:-16], sealed[-16:]
            if blake3(nonce + u32(len(bound)) + bound + plain, key=key).digest(16) == tag:
                return plain
        except (InvalidTag, ValueError):
            pass
        raise Damage("it was altered, or was not written with the key of this repository")

    def document(self, name, magic):
        """The plain bytes of an object that is a document."""
        data = self.object(name)
        try:
            plain = self.unseal(magic, data[12:44], bytes(12), b"\x03", data[44:])
            return unzstd(plain[4:], min(int.from_bytes(plain[:4], "little"), 256 << 20))
        except (Damage, zstandard.ZstdError) as error:
            raise Damage(f"{name}: {error}") from None

    @cached_property
    def places(self):
        """Where each chunk is. The packs say it at their ends; objects below `index/` repeat it, for packs that are damaged."""
        places, damaged = {}, {}
        for path in sorted((self.folder / "packs").glob("*/*")):
            try:
                self.place(path, *self.directory(path), places)
            except (OSError, Damage) as error:
                damaged[path.name] = path
                self.warn(f"the directory of {path} is passed over: {error}")
        for name in self.names("index") if damaged else []:
            try:
                cursor = Cursor(self.document(f"index/{name}", b"rowkindx"))
                for _ in range(cursor.uint(4)):
                    pack, _size, salt = cursor.take(32).hex(), cursor.take(8), cursor.take(32)
                    self.place(damaged.get(pack), salt, cursor, places)
            except (OSError, Damage) as error:
                self.warn(f"index/{name} is passed over: {error}")
        return places

    def directory(self, path):
        with path.open("rb") as file:
            header = file.read(44)
            end = file.seek(0, os.SEEK_END) - 12
            file.seek(max(end, 0))
            footer = file.read(12)
            start = end - int.from_bytes(footer[:4], "little")
            if header[:12] != b"rowkpack" + u32(1) or footer[4:] != b"rowkpend" or start < 44:
                raise Damage("it is not a whole pack")
            file.seek(start)
            sealed = file.read(end - start)
        return header[12:], Cursor(self.unseal(b"rowkpack", header[12:], b"\xff" * 12, b"\x02", sealed))

    def place(self, path, salt, cursor, places):
        offset = 44
        for _ in range(cursor.uint(4)):
            chunk, encoding, length, plain_length = cursor.take(32), cursor.uint(1), cursor.uint(4), cursor.uint(4)
            base = cursor.take(32) if encoding == 2 else b""
            if path:
                places.setdefault(chunk, []).append((path, salt, offset, length, encoding, plain_length, base))
            offset += length

    def chunk(self, name):
        """The plain bytes of a chunk, whose keyed hash is its name. Of several copies any that opens will do."""
        problem = "it is in no pack that is there"
        for path, salt, offset, length, encoding, plain_length, base in self.places.get(name, []):
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    sealed = file.read(length)
                described = b"\x01" + name + bytes([encoding]) + u32(plain_length) + base
                plain = self.unseal(b"rowkpack", salt, u32(offset) + bytes(8), described, sealed)
                if encoding > 0:
                    plain = unzstd(plain, plain_length, self.chunk(base) if base else b"")
                if blake3(plain, key=self.names_key).digest() == name:
                    return plain
                problem = f"{path} has other bytes in its place"
            except (OSError, Damage, zstandard.ZstdError) as error:
                problem = f"{path}: {error}"
        raise Damage(f"chunk {name.hex()} cannot be read: {problem}")

def read_key_file(path):
    keys = re.findall(r"^key ([0-9a-f]{64})\s*$", Path(path).read_text(), re.MULTILINE)
    if len(keys) != 1:
        raise Failure(f"{path} is not a key file: it needs one line `key` with 64 digits")
    return bytes.fromhex(keys[0])

# ---- Part II: values, runs of rows, the tree of a table ----------------------------------------
class Blob(bytes):
    """A value that is a blob. Texts are plain `bytes`, integers `int`, reals `float`, and null is None."""

TOP = 1 << 63
def signed(value):
    return (value + TOP) % (2 * TOP) - TOP

def read_planes(cursor, count, width, kind):
    """Values of which all lowest bytes come first, then all second bytes, and so on."""
    spread = bytearray(8 * count)
    for plane in range(width):
        spread[plane::8] = cursor.take(count)
    return struct.unpack(f"<{count}{kind}", spread)

def read_ints(cursor, count):
    head, base = cursor.uint(1), cursor.zigzag()
    if head < 0x80:
        return [signed(base + offset) for offset in read_planes(cursor, count, head, "Q")]
    values = [cursor.zigzag()]
    for offset in read_planes(cursor, count - 1, head & 0x7F, "Q"):
        values.append(signed(values[-1] + base + offset))
    return values

def read_bytes(cursor, count):
    return [cursor.take(length) for length in read_ints(cursor, count)]
def read_dictionary(cursor, count):
    entries = read_bytes(cursor, cursor.uint(1) + 1)
    return [entries[number] for number in cursor.take(count)]

def read_form(cursor, count):
    form = cursor.uint(1)
    if form == 0:
        return [b"%d" % value for value in read_ints(cursor, count)]
    if form == 1:
        scale = cursor.uint(1)
        return [decimal_text(value, scale) for value in read_ints(cursor, count)]
    if form == 2:
        return [(date(1970, 1, 1) + timedelta(days)).isoformat().encode() for days in read_ints(cursor, count)]
    if form == 3:
        separator, digits, zone = cursor.take(1).decode(), cursor.uint(1), ("", "+00", "Z", "+00:00")[cursor.uint(1)]
        return [timestamp_text(value, separator, digits, zone) for value in read_ints(cursor, count)]
    if form == 4:
        texts = [cursor.take(16).hex() for _ in range(count)]
        return [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}".encode() for h in texts]
    if form == 5:
        return [b"\\x" + value.hex().encode() for value in read_bytes(cursor, count)]
    raise Damage(f"it has texts of the unknown form {form}")

def decimal_text(value, scale):
    digits = str(abs(value)).rjust(scale + 1, "0")
    point = len(digits) - scale
    return f"{'-' if value < 0 else ''}{digits[:point]}.{digits[point:]}".encode()
def timestamp_text(microseconds, separator, digits, zone):
    moment = datetime(1970, 1, 1) + timedelta(microseconds=microseconds)
    fraction = f".{moment.microsecond:06}"
    fraction = fraction.rstrip("0").rstrip(".") if digits == 7 else fraction[: digits + 1]
    return f"{moment.date().isoformat()}{separator}{moment:%H:%M:%S}{fraction}{zone}".encode()

def read_column(cursor, count):
    code, readers = cursor.uint(1), {0x01: read_ints, 0x10: read_bytes, 0x11: read_dictionary, 0x12: read_form}
    if code in readers:
        return readers[code](cursor, count)
    if code in (0x00, 0x02):
        return read_planes(cursor, count, 8, "d") if code else [None] * count
    if code == 0x03:
        divisor = 10.0 ** cursor.uint(1)
        return [value / divisor for value in read_ints(cursor, count)]
    if code in (0x20, 0x21):
        return [Blob(value) for value in readers[code - 0x10](cursor, count)]
    if code == 0xFF:
        kinds = cursor.take(count)
        found = {kind: iter(read_column(cursor, kinds.count(kind))) for kind in sorted(set(kinds) - {0})}
        return [next(found[kind]) if kind else None for kind in kinds]
    raise Damage(f"it has a column of the unknown code {code}")

def read_runs(repository, name, lost=None):
    """The runs of rows below a node of a table's tree. `lost` is told what cannot be read, which else ends it."""
    try:
        cursor = Cursor(repository.chunk(name))
    except Damage as error:
        if lost is None:
            raise
        lost(error)
        return
    kind, first, count = cursor.uint(1), cursor.varint(), cursor.varint()
    if kind == 0x01:
        columns = [read_column(cursor, first) for _ in range(count)]
        yield list(zip(*columns)) if columns else [()] * first
    elif kind == 0x02:
        for _ in range(count):
            child, _rows, _bytes, _key = cursor.take(32), cursor.varint(), cursor.varint(), cursor.take(cursor.varint())
            yield from read_runs(repository, child, lost)
    else:
        raise Damage(f"chunk {name.hex()} is neither rows nor a node of a tree")

# ---- Part II: schema and manifest --------------------------------------------------------------
def snapshots(repository):
    """The manifests of all snapshots in their order, each with its `id` and whether it was `completed`."""
    completed = {name[9:] for name in repository.names("ledger") if name.startswith("snapshot-")}
    for lost in sorted(completed - set(repository.names("snapshots"))):
        repository.warn(f"snapshot {lost} is lost: the ledger has its entry, and it is not there")
    for name in repository.names("summaries"):
        try:
            summary = json.loads(repository.document(f"summaries/{name}", b"rowksumm"))
            completed.update(snapshot["id"] for snapshot in summary["snapshots"])
        except (OSError, Damage, KeyError):
            pass  # it is a cache
    found = []
    for name in filter(re.compile("[0-9a-f]{32}").fullmatch, repository.names("snapshots")):
        try:
            manifest = json.loads(repository.document(f"snapshots/{name}", b"rowksnap"))
            if manifest["version"] != 1:
                raise Damage(f"snapshot {name} has version {manifest['version']}, and this program reads 1")
            found.append(manifest | {"id": name, "completed": name in completed})
        except (OSError, Damage) as error:
            repository.warn(error)
    numbers = {}
    for manifest in sorted(found, key=lambda manifest: manifest["time"]):
        parent = numbers.get(manifest.get("parent"), -math.inf)
        numbers[manifest["id"]] = manifest.get("sequence", parent + 1)
    return sorted(found, key=lambda m: (numbers[m["id"]], "before" not in m, m["time"], m["id"]))

def choose(repository, wanted):
    """The snapshot that an id or its beginning, a name, `latest` or `latest:DATABASE` means."""
    listed = [manifest for manifest in snapshots(repository) if manifest["completed"]]
    latest, _, database = wanted.partition(":")
    if latest == "latest":
        found = [m for m in listed if "before" not in m and database in ("", m["database"])][-1:]
    else:
        found = [m for m in listed if m.get("name") == wanted] or [m for m in listed if m["id"].startswith(wanted)]
    if len(found) != 1:
        raise Failure(f"{wanted} means {len(found)} snapshots: give the id of one, which `list` shows")
    return found[0]

def title(entry):
    return entry["name"] if entry.get("schema") in (None, "public") else f"{entry['schema']}.{entry['name']}"

def read_schema(repository, manifest):
    """The schema of a snapshot, and of each table what the manifest says and what the schema says."""
    plain = repository.chunk(bytes.fromhex(manifest["schema"]))
    if plain[:1] != b"\x03":
        raise Damage(f"chunk {manifest['schema']} is no text")
    schema = json.loads(plain[1:])
    tables = {(table["name"].get("schema"), table["name"]["name"]): table for table in schema["tables"]}
    return schema, [(entry, tables[entry.get("schema"), entry["name"]]) for entry in manifest["tables"]]

def rows_of(repository, entry, lost):
    note = None if lost is None else lambda error: lost.append(f"table {title(entry)} lacks rows: {error}")
    try:
        for rows in read_runs(repository, bytes.fromhex(entry["hash"]), note):
            yield from rows
    except Damage as error:
        raise Damage(f"table {title(entry)}: {error}; --salvage leaves out what cannot be read") from None

# ---- SQL and CSV -------------------------------------------------------------------------------
def identifier(*parts):
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts if part is not None)

def literal(text):
    return "'" + text.replace("'", "''") + "'"
def column_list(table):
    return ", ".join(identifier(column["name"]) for column in table["columns"])

def write_postgresql(schema, tables, rows_of_entry, say):
    """A script for psql, into an empty database."""
    def ddl(part):
        return [piece["sql"] for piece in schema["ddl"] if piece["part"] == part]
    for line in "\n".join(ddl("database") + ddl("extensions")).splitlines():
        say(f"-- not run: {line}")
    say("SET client_encoding = UTF8; SET standard_conforming_strings = on; SET DateStyle = ISO; SET TimeZone = UTC;")
    say("SET IntervalStyle = postgres; SET lc_monetary = 'C';")
    say("\n".join(ddl("prologue") + ddl("pre-data")))
    for entry, table in sorted(tables, key=lambda pair: pair[0]["kind"] == "large_objects"):
        name, columns = identifier(entry.get("schema"), entry["name"]), column_list(table)
        if entry["kind"] == "table":
            say(f"COPY {name} ({columns}) FROM stdin;" if columns else f"COPY {name} FROM stdin;")
            for row in rows_of_entry(entry):
                say(b"\t".join(b"\\N" if value is None else escaped(value) for value in row))
            say("\\.\n")
        for row in rows_of_entry(entry) if entry["kind"] != "table" else []:
            row = [value.decode() if value is not None and not isinstance(value, Blob) else value for value in row]
            if entry["name"] == "sequences":
                say(f"SELECT setval({literal(identifier(*row[:2]))}, {row[2]}, {literal(row[3])});")
            elif entry["name"] == "large_objects":
                large_object(*row, say)
            elif entry["name"] == "large_object_data":
                say(f"SELECT lo_put({row[0]}, {int(row[1]) << 18}, '\\x{row[2].hex()}');")
    say("\n".join(ddl("post-data") + ddl("refresh")))

def large_object(oid, owner, privileges, comment, say):
    say(f"SELECT lo_create({oid});\nALTER LARGE OBJECT {oid} OWNER TO {identifier(owner)};")
    say("" if comment is None else f"COMMENT ON LARGE OBJECT {oid} IS {literal(comment)};")
    say("" if privileges is None else f"REVOKE ALL ON LARGE OBJECT {oid} FROM {identifier(owner)};")
    for given in json.loads(privileges or "[]"):
        to, option = identifier(given["grantee"]) if given["grantee"] else "PUBLIC", " WITH GRANT OPTION" * given["grantable"]
        say(f"GRANT {given['privilege']} ON LARGE OBJECT {oid} TO {to}{option};")

def escaped(value):
    return value.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r")

def write_sqlite(schema, tables, rows_of_entry, say):
    """A script for the sqlite3 shell, into a new database."""
    ddl = {piece["part"]: json.loads(piece["sql"]) for piece in schema["ddl"]}
    settings, encoding = ddl.get("database"), "UTF-8"
    def define(item):
        say(item["sql"] + ("\n;" if "--" in item["sql"].rpartition("\n")[2] else ";"))
        if "\r" in item["sql"]:  # which the shell drops
            wanted = f"sql = {sqlite_value(item['sql'].encode(), encoding)} WHERE type = {literal(item['type'])}"
            say(f"UPDATE sqlite_schema SET {wanted} AND name = {literal(item['name'])};")
    # Newer shells allow writing into the schema, as below, only to what begins as their own dumps do.
    say("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nPRAGMA ignore_check_constraints = ON;")
    if settings:
        encoding = settings["encoding"]
        say(f"PRAGMA encoding = '{encoding}';\nPRAGMA page_size = {settings['page_size']};")
        say(f"PRAGMA auto_vacuum = {settings['auto_vacuum']};\nPRAGMA writable_schema = ON;")
    for item in ddl.get("pre-data", []):
        if item["sql"].upper().startswith("CREATE VIRTUAL"):
            # Only its definition: the tables that it keeps its rows in are made and filled like others.
            values = ", ".join(sqlite_value(item[key].encode(), encoding) for key in ("type", "name", "table", "sql"))
            say(f"INSERT INTO sqlite_schema(type, name, tbl_name, sql, rootpage) VALUES ({values}, 0);")
        elif item["name"] != "sqlite_sequence":  # comes with the first table that is AUTOINCREMENT
            define(item)
    for entry, table in tables:
        if entry["name"] == "sqlite_settings":
            for name, value in rows_of_entry(entry):
                say(f"PRAGMA {name.decode()} = {value};")
            continue
        into = f"INSERT INTO {identifier(entry['name'])}({column_list(table)}) VALUES"
        say("DELETE FROM sqlite_sequence;" if entry["name"] == "sqlite_sequence" else "")
        for row in rows_of_entry(entry):
            values = ", ".join(sqlite_value(value, encoding) for value in row)
            say(f"{into} ({values});")
    for item in ddl.get("post-data", []):
        define(item)
    say("PRAGMA writable_schema = OFF;\nCOMMIT;")
    say("PRAGMA journal_mode = wal;" if settings and settings["journal"] == "wal" else "")

def sqlite_value(value, encoding):
    if value is None or isinstance(value, float) and math.isnan(value):
        return "NULL"
    if isinstance(value, int):
        return str(value) if value > -TOP else "(-9223372036854775807 - 1)"
    if isinstance(value, float):
        return sqlite_real(value)
    if isinstance(value, Blob):
        return f"x'{value.hex()}'"
    text = value.decode(errors="replace")
    if text.encode() == value and not re.search("[\0\r]", text):  # the shell ends at the one and drops the other
        return literal(text)
    if encoding != "UTF-8":  # such a database takes the bytes of a text for UTF-16
        value = value.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")
    return f"CAST(x'{value.hex()}' AS TEXT)"

def sqlite_real(value):
    """A real as a product or quotient of integers, which is exact; decimals are not in every version of SQLite."""
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    if value == int(value) and abs(value) < 1 << 53:
        return f"{value:.1f}"
    fraction, exponent = math.frexp(value)
    sql, exponent = f"CAST({int(fraction * (1 << 53))} AS REAL)", exponent - 53
    for step in [62] * (abs(exponent) // 62) + [abs(exponent) % 62]:
        sql += ("*" if exponent > 0 else "/") + str(1 << step)
    return sql

def csv_field(value):
    """A value as in RFC 4180. NULL is an empty field, an empty text two quotes."""
    if isinstance(value, Blob):
        return b"\\x" + value.hex().encode()
    if not isinstance(value, bytes):
        return b"" if value is None else repr(value).replace("inf", "Infinity").encode()
    if re.search(rb'^$|[",\r\n]|^ | $|^\\\.$', value):
        return b'"' + value.replace(b'"', b'""') + b'"'
    return value

# ---- The command -------------------------------------------------------------------------------
def run_list(repository, _arguments):
    for m in snapshots(repository):
        rows = sum(entry["rows"] for entry in m["tables"] if entry["kind"] == "table")
        note = f"  before {m['before']['operation']}" if "before" in m else "" if m["completed"] else "  not completed"
        print(f"{m['id']}  {m['time']}  {m['database']}  {m.get('name', '-')}  {rows:,} rows{note}")
    if repository.warned:
        raise Damage("not every snapshot could be read")

def run_verify(repository, arguments):
    all_of_them, damaged = [manifest for manifest in snapshots(repository) if manifest["completed"]], False
    for manifest in [choose(repository, arguments.snapshot)] if arguments.snapshot else all_of_them:
        print(f"snapshot {manifest['id']} of {manifest['database']}")
        try:
            read_schema(repository, manifest)
        except Damage as error:
            damaged = True
            print(f"  DAMAGED  its schema: {error}")
        for entry in manifest["tables"]:
            try:
                # The name of each chunk is computed from its bytes on the way, so this ends at the table's hash.
                count = sum(map(len, read_runs(repository, bytes.fromhex(entry["hash"]))))
                if count != entry["rows"]:
                    raise Damage(f"it has {count} rows, and its snapshot says {entry['rows']}")
                print(f"  proven   {entry['hash']}  {count:>12,} rows  {title(entry)}")
            except Damage as error:
                damaged = True
                print(f"  DAMAGED  {title(entry)}: {error}")
    if damaged or repository.warned:
        raise Damage("not everything could be proven; `sql --salvage` and `csv --salvage` write what can be read")

def run_write(repository, arguments):
    manifest, lost = choose(repository, arguments.snapshot), [] if arguments.salvage else None
    schema, tables = read_schema(repository, manifest)
    rows_of_entry = lambda entry: rows_of(repository, entry, lost)
    say = lambda text: sys.stdout.buffer.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
    if arguments.command == "sql":
        (write_sqlite if manifest["engine"] == "sqlite" else write_postgresql)(schema, tables, rows_of_entry, say)
    for entry, table in tables if arguments.command == "csv" else []:
        if entry["kind"] == "table":
            Path(arguments.folder).mkdir(parents=True, exist_ok=True)
            hidden = sum(column.get("hidden", False) for column in table["columns"])  # the rowid, which comes first
            with (Path(arguments.folder) / f"{quote(title(entry), safe=' ,')}.csv").open("xb") as out:
                header = tuple(column["name"].encode() for column in table["columns"])
                for row in itertools.chain([header], rows_of_entry(entry)):
                    out.write(b",".join(map(csv_field, row[hidden:])) + b"\r\n")
    if lost:
        repository.warn("\n".join(lost))
        raise Damage(f"{len(lost)} runs of rows are missing from what was written")

def main():
    parser = argparse.ArgumentParser(
        description="Reads a repository of rowkeep without rowkeep.",
        epilog="A snapshot is meant by its id or the beginning of it, its name, latest, or latest:DATABASE. "
        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 damage, 4 the repository does not open.")
    parser.add_argument("command", choices=("list", "verify", "sql", "csv"), help="list snapshots; prove their tables by "
                        "hash; write a script for psql or sqlite3 to stdout; write a file for each table")
    parser.add_argument("repository", help="its folder")
    parser.add_argument("snapshot", nargs="?", help="which one; verify takes all if none is given")
    parser.add_argument("folder", nargs="?", help="where csv writes to; no file in it is overwritten")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--key-file", metavar="FILE", help="opens it")
    secret.add_argument("--passphrase-file", metavar="FILE", help="its first line opens it, else ROWKEEP_PASSPHRASE")
    secret.add_argument("--unencrypted", action="store_true", help="it was made without encryption")
    parser.add_argument("--salvage", action="store_true", help="sql and csv leave out rows that cannot be read")
    arguments = parser.parse_intermixed_args()
    for name in {"sql": ["snapshot"], "csv": ["snapshot", "folder"]}.get(arguments.command, []):
        if getattr(arguments, name) is None:
            parser.error(f"{arguments.command} needs a {name}")
    try:
        key_file, passphrase = arguments.key_file and read_key_file(arguments.key_file), None
        if arguments.passphrase_file:
            passphrase = Path(arguments.passphrase_file).read_bytes().partition(b"\n")[0].rstrip(b"\r")
        elif key_file is None and not arguments.unencrypted:
            typed = os.environ.get("ROWKEEP_PASSPHRASE")
            if typed is None and not sys.stdin.isatty():
                raise Refused("give --key-file, --passphrase-file, ROWKEEP_PASSPHRASE or --unencrypted")
            passphrase = (typed or getpass.getpass("passphrase: ")).encode(errors="surrogateescape")
        repository = Repository(arguments.repository, key_file, passphrase)
        {"list": run_list, "verify": run_verify}.get(arguments.command, run_write)(repository, arguments)
        sys.stdout.flush()
    except (Failure, OSError, UnicodeDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(getattr(error, "status", 1))

if __name__ == "__main__":
    main()
