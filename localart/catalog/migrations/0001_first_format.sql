-- localart catalog, format 1. Frozen: a later change is a new file, never an edit of this one.
-- JSON columns hold canonical JSON (a json_valid CHECK would be refused under trusted_schema=OFF).
-- Times are ISO-8601 UTC text; sizes are bytes; digests are 32-byte BLOBs (BLAKE3-256).

CREATE TABLE store(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `seal` in the tables below: 61 bits of XXH3 over the row's own facts and its tags, for SQLite has no page checksums
-- (catalog/seals.py says which facts). `counts` holds for each owner how many rows it has, so that one is missed that a
-- damaged key hides.
CREATE TABLE counts(
  kind TEXT NOT NULL,
  owner INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(kind, owner)
) STRICT, WITHOUT ROWID;

-- what people name -----------------------------------------------------------------------------

CREATE TABLE projects(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK(name <> ''),
  description TEXT,
  created_at TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER projects_come AFTER INSERT ON projects BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('projects', 0, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER projects_go AFTER DELETE ON projects BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('projects', 0, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;


-- What a registry (a project named `wandb-registry-NAME`) says besides; `artifact_types` NULL: takes any type.
CREATE TABLE registries(
  project INTEGER PRIMARY KEY REFERENCES projects(id),
  visibility TEXT NOT NULL DEFAULT 'organization' CHECK(visibility IN ('organization', 'restricted')),
  artifact_types TEXT,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE runs(
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL CHECK(run_id <> ''),
  project INTEGER NOT NULL REFERENCES projects(id),
  seal INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL,
  job_type TEXT,
  group_name TEXT,
  notes TEXT,
  state TEXT NOT NULL CHECK(state IN ('running', 'finished', 'failed', 'crashed', 'killed')),
  config TEXT NOT NULL DEFAULT '{}',
  summary TEXT NOT NULL DEFAULT '{}',
  facts TEXT NOT NULL DEFAULT '{}',
  metric_rules TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  finished_at TEXT,
  exit_code INTEGER,
  error TEXT,
  site TEXT NOT NULL,
  origin TEXT,
  UNIQUE(project, run_id)
) STRICT;
CREATE INDEX runs_by_state ON runs(state) WHERE state = 'running';
CREATE INDEX runs_by_time ON runs(project, created_at);
CREATE TRIGGER runs_come AFTER INSERT ON runs BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('ran', NEW.project, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER runs_go AFTER DELETE ON runs BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('ran', OLD.project, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER runs_change AFTER UPDATE OF project ON runs BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('ran', OLD.project, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('ran', NEW.project, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

-- A `sequence` holds versions of its own; a `portfolio` only links to versions of others.
CREATE TABLE artifacts(
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects(id),
  name TEXT NOT NULL CHECK(name <> ''),
  type TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'sequence' CHECK(kind IN ('sequence', 'portfolio')),
  description TEXT,
  ttl_seconds INTEGER CHECK(ttl_seconds > 0),
  next_number INTEGER NOT NULL DEFAULT 0 CHECK(next_number >= 0),
  created_at TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0,
  UNIQUE(project, name)
) STRICT;
CREATE INDEX artifacts_by_type ON artifacts(project, type);
CREATE TRIGGER artifacts_come AFTER INSERT ON artifacts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('holds', NEW.project, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER artifacts_go AFTER DELETE ON artifacts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('holds', OLD.project, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER artifacts_change AFTER UPDATE OF project ON artifacts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('holds', OLD.project, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('holds', NEW.project, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

CREATE TABLE artifact_tags(
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  name TEXT NOT NULL,
  PRIMARY KEY(artifact, name)
) STRICT, WITHOUT ROWID;

-- `ttl_seconds`: NULL takes the artifact's, 0 keeps for ever.
CREATE TABLE versions(
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  number INTEGER NOT NULL CHECK(number >= 0),
  manifest INTEGER NOT NULL REFERENCES manifests(id),
  description TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL DEFAULT 'COMMITTED' CHECK(state IN ('COMMITTED', 'DELETED')),
  ttl_seconds INTEGER CHECK(ttl_seconds >= 0),
  history_step INTEGER,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  site TEXT NOT NULL,
  origin TEXT,
  seal INTEGER NOT NULL DEFAULT 0,
  UNIQUE(artifact, number)
) STRICT;
CREATE INDEX versions_by_manifest ON versions(manifest);
CREATE INDEX versions_deleted ON versions(artifact, state) WHERE state = 'DELETED';
CREATE TRIGGER versions_never_change BEFORE UPDATE OF uid, artifact, number, created_at ON versions BEGIN
  SELECT RAISE(ABORT, 'a version is immutable');
END;
CREATE TRIGGER versions_come AFTER INSERT ON versions WHEN NEW.state = 'DELETED' BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('deleted', NEW.artifact, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER versions_change AFTER UPDATE OF state ON versions WHEN NEW.state <> OLD.state BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('deleted', NEW.artifact, iif(NEW.state = 'DELETED', 1, -1))
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + excluded.count;
END;
CREATE TRIGGER versions_are_never_removed BEFORE DELETE ON versions BEGIN
  SELECT RAISE(ABORT, 'a version keeps its number for ever');
END;

-- A version's place in a portfolio. The number is never used again after `removed_at`.
CREATE TABLE links(
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  number INTEGER NOT NULL CHECK(number >= 0),
  version INTEGER NOT NULL REFERENCES versions(id),
  created_at TEXT NOT NULL,
  removed_at TEXT,
  seal INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(artifact, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX links_once ON links(artifact, version) WHERE removed_at IS NULL;
CREATE INDEX links_by_version ON links(version);
CREATE TRIGGER links_come AFTER INSERT ON links BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('linked', NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER links_go AFTER DELETE ON links BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('linked', OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER links_change AFTER UPDATE OF version ON links BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('linked', OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('linked', NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

-- A portfolio has aliases of its own: `artifact` may be one that only links to the version.
CREATE TABLE aliases(
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  name TEXT NOT NULL CHECK(name <> ''),
  version INTEGER NOT NULL REFERENCES versions(id),
  updated_at TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(artifact, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_version ON aliases(version);
CREATE TRIGGER aliases_come AFTER INSERT ON aliases BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alias', NEW.artifact, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
  INSERT INTO counts(kind, owner, count) VALUES ('aliased', NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER aliases_go AFTER DELETE ON aliases BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alias', OLD.artifact, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('aliased', OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER aliases_change AFTER UPDATE OF artifact, version ON aliases BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alias', OLD.artifact, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('aliased', OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('alias', NEW.artifact, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
  INSERT INTO counts(kind, owner, count) VALUES ('aliased', NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

-- Aliases that neither move nor go unless somebody insists.
CREATE TABLE protected_aliases(
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  alias TEXT NOT NULL CHECK(alias <> ''),
  PRIMARY KEY(artifact, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE version_tags(
  version INTEGER NOT NULL REFERENCES versions(id),
  name TEXT NOT NULL,
  PRIMARY KEY(version, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_tags_by_name ON version_tags(name);

CREATE TABLE run_tags(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY(run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_name ON run_tags(name);

-- An output edge also keeps the metadata of a log whose content was already there.
CREATE TABLE edges(
  run INTEGER NOT NULL REFERENCES runs(id),
  version INTEGER NOT NULL REFERENCES versions(id),
  direction TEXT NOT NULL CHECK(direction IN ('input', 'output')),
  made INTEGER NOT NULL DEFAULT 0 CHECK(made IN (0, 1)),
  used_as TEXT,
  metadata TEXT,
  created_at TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(run, version, direction)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_by_version ON edges(version, direction);
CREATE TRIGGER edges_come AFTER INSERT ON edges BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('run ' || NEW.direction, NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
  INSERT INTO counts(kind, owner, count) VALUES ('version ' || NEW.direction, NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER edges_go AFTER DELETE ON edges BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('run ' || OLD.direction, OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('version ' || OLD.direction, OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER edges_change AFTER UPDATE OF run, version, direction ON edges BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('run ' || OLD.direction, OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('version ' || OLD.direction, OLD.version, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('run ' || NEW.direction, NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
  INSERT INTO counts(kind, owner, count) VALUES ('version ' || NEW.direction, NEW.version, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

-- what a version holds ---------------------------------------------------------------------------

CREATE TABLE manifests(
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL CHECK(length(digest) = 32),
  complete INTEGER NOT NULL DEFAULT 0 CHECK(complete IN (0, 1)),
  base INTEGER REFERENCES manifests(id),
  file_count INTEGER NOT NULL CHECK(file_count >= 0),
  size INTEGER NOT NULL CHECK(size >= 0),
  pages BLOB NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX manifests_by_digest ON manifests(digest) WHERE complete = 1;

-- The layers of a manifest, nearest first: itself at 0, then the bases it overlays.
CREATE TABLE chains(
  manifest INTEGER NOT NULL REFERENCES manifests(id),
  position INTEGER NOT NULL CHECK(position BETWEEN 0 AND 8),
  layer INTEGER NOT NULL REFERENCES manifests(id),
  PRIMARY KEY(manifest, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX chains_by_layer ON chains(layer);

CREATE TABLE dirs(
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE refs(
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK(length(digest) = 32),
  uri TEXT NOT NULL,
  size INTEGER,
  checksum TEXT NOT NULL DEFAULT ''
) STRICT;

-- Both blob and ref NULL: the overlay removes the path.
CREATE TABLE entries(
  manifest INTEGER NOT NULL REFERENCES manifests(id),
  dir INTEGER NOT NULL REFERENCES dirs(id),
  name TEXT NOT NULL,
  blob INTEGER REFERENCES blobs(id),
  ref INTEGER REFERENCES refs(id),
  PRIMARY KEY(manifest, dir, name),
  CHECK(blob IS NULL OR ref IS NULL)
) STRICT, WITHOUT ROWID;

-- What several processes add to a version that none of them has finished yet.
CREATE TABLE upserts(
  id INTEGER PRIMARY KEY,
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  distributed_id TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES runs(id),
  manifest INTEGER NOT NULL REFERENCES manifests(id),
  body TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX upserts_by_artifact ON upserts(artifact, distributed_id);
CREATE INDEX upserts_by_manifest ON upserts(manifest);

-- where the bytes lie ------------------------------------------------------------------------------

CREATE TABLE packs(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  "end" INTEGER NOT NULL CHECK("end" >= 0),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE frames(
  id INTEGER PRIMARY KEY,
  pack INTEGER NOT NULL REFERENCES packs(id),
  start INTEGER NOT NULL CHECK(start >= 0),
  stored_bytes INTEGER NOT NULL CHECK(stored_bytes > 0),
  raw_bytes INTEGER NOT NULL CHECK(raw_bytes >= 0),
  codec INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  depth INTEGER NOT NULL DEFAULT 0 CHECK(depth >= 0)
) STRICT;
CREATE INDEX frames_by_pack ON frames(pack, start);

-- A small blob or chunk lies in a frame at `start`; a large one is the sum of its chunks.
CREATE TABLE blobs(
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK(length(digest) = 32),
  size INTEGER NOT NULL CHECK(size >= 0),
  frame INTEGER REFERENCES frames(id),
  start INTEGER,
  sha256 BLOB,
  CHECK((frame IS NULL) = (start IS NULL))
) STRICT;
CREATE INDEX blobs_by_size ON blobs(size) WHERE size > 262144;

-- A frame of depth > 0 tells the difference of its raw bytes, from `at` on, to a slice of an earlier chunk.
CREATE TABLE frame_bases(
  frame INTEGER NOT NULL REFERENCES frames(id),
  at INTEGER NOT NULL CHECK(at >= 0),
  chunk INTEGER NOT NULL REFERENCES blobs(id),
  start INTEGER NOT NULL CHECK(start >= 0),
  stop INTEGER NOT NULL CHECK(stop > start),
  PRIMARY KEY(frame, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks(
  blob INTEGER NOT NULL REFERENCES blobs(id),
  start INTEGER NOT NULL CHECK(start >= 0),
  chunk INTEGER NOT NULL REFERENCES blobs(id),
  PRIMARY KEY(blob, start)
) STRICT, WITHOUT ROWID;

-- what runs said -----------------------------------------------------------------------------------

CREATE TABLE metric_names(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  seal INTEGER NOT NULL DEFAULT 0
) STRICT;

-- `value` is an integer or a real; NULL with `body` NULL is NaN; `body` is the JSON of anything else.
CREATE TABLE metrics(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names(id),
  step INTEGER NOT NULL,
  value ANY CHECK(typeof(value) IN ('integer', 'real', 'null')),
  time REAL NOT NULL,
  body TEXT,
  PRIMARY KEY(run, metric, step)
) STRICT, WITHOUT ROWID;

-- For each metric of a run that has ended: XXH3 over its rows, in order.
CREATE TABLE history_seals(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names(id),
  row_count INTEGER NOT NULL,
  seal INTEGER NOT NULL,
  PRIMARY KEY(run, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_files(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  blob INTEGER NOT NULL REFERENCES blobs(id),
  updated_at TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(run, path)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER run_files_come AFTER INSERT ON run_files BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('file', NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER run_files_go AFTER DELETE ON run_files BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('file', OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER run_files_change AFTER UPDATE OF run ON run_files BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('file', OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('file', NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

CREATE TABLE alerts(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  time TEXT NOT NULL,
  level TEXT NOT NULL CHECK(level IN ('INFO', 'WARN', 'ERROR')),
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  seal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX alerts_by_run ON alerts(run);
CREATE TRIGGER alerts_come AFTER INSERT ON alerts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alert', NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER alerts_go AFTER DELETE ON alerts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alert', OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
END;
CREATE TRIGGER alerts_change AFTER UPDATE OF run ON alerts BEGIN
  INSERT INTO counts(kind, owner, count) VALUES ('alert', OLD.run, -1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + -1;
  INSERT INTO counts(kind, owner, count) VALUES ('alert', NEW.run, 1)
    ON CONFLICT(kind, owner) DO UPDATE SET count = count + 1;
END;

-- Every committed change, chained: digest = BLAKE3(previous + BLAKE3(canonical JSON of the record)).
CREATE TABLE journal(
  seq INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  site TEXT NOT NULL,
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  digest BLOB NOT NULL CHECK(length(digest) = 32),
  previous BLOB NOT NULL CHECK(length(previous) = 32)
) STRICT;
CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER journal_is_never_removed BEFORE DELETE ON journal BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- search --------------------------------------------------------------------------------------------
-- Kept in step by catalog/search.py: triggers that write to FTS5 are refused under trusted_schema=OFF.

CREATE VIRTUAL TABLE artifacts_fts USING fts5(name, type, description, content=artifacts, content_rowid=id);
CREATE VIRTUAL TABLE versions_fts USING fts5(description, metadata, content=versions, content_rowid=id);
CREATE VIRTUAL TABLE runs_fts USING fts5(name, job_type, notes, config, content=runs, content_rowid=id);

-- views: the stable face of the catalog for sqlite-utils, Datasette and `localart sql` -----------------

CREATE VIEW versions_view AS
  SELECT v.id AS version_id, p.name AS project, a.name AS artifact, a.type AS type, 'v' || v.number AS version,
    (SELECT group_concat(name, ', ') FROM aliases WHERE version = v.id AND artifact = v.artifact) AS aliases,
    (SELECT group_concat(name, ', ') FROM version_tags WHERE version = v.id) AS tags,
    m.size AS size_bytes, m.file_count AS files, lower(hex(m.digest)) AS digest, v.description AS description,
    v.metadata AS metadata, v.state AS state, v.created_at AS created_at,
    (SELECT r.run_id FROM edges e JOIN runs r ON r.id = e.run
      WHERE e.version = v.id AND e.direction = 'output' AND e.made = 1 LIMIT 1) AS made_by
  FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project
    JOIN manifests m ON m.id = v.manifest;

CREATE VIEW runs_view AS
  SELECT r.id AS run_key, p.name AS project, r.run_id AS run, r.name AS name, r.job_type AS job_type,
    r.group_name AS "group", r.state AS state, r.config AS config, r.summary AS summary,
    r.created_at AS created_at, r.finished_at AS finished_at,
    (SELECT count(*) FROM edges WHERE run = r.id AND direction = 'input') AS inputs,
    (SELECT count(*) FROM edges WHERE run = r.id AND direction = 'output') AS outputs
  FROM runs r JOIN projects p ON p.id = r.project;

CREATE VIEW lineage_view AS
  SELECT rp.name AS run_project, r.run_id AS run, r.name AS run_name, r.job_type AS job_type,
    e.direction AS direction, ap.name AS artifact_project, a.name AS artifact, 'v' || v.number AS version,
    a.type AS type, e.created_at AS created_at
  FROM edges e JOIN runs r ON r.id = e.run JOIN projects rp ON rp.id = r.project
    JOIN versions v ON v.id = e.version JOIN artifacts a ON a.id = v.artifact JOIN projects ap ON ap.id = a.project;

CREATE VIEW files AS
  SELECT v.id AS version_id, p.name AS project, a.name AS artifact, 'v' || v.number AS version,
    iif(d.path = '', e.name, d.path || '/' || e.name) AS path,
    coalesce(b.size, f.size) AS size_bytes, lower(hex(coalesce(b.digest, f.digest))) AS digest, f.uri AS reference
  FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project
    JOIN chains c ON c.manifest = v.manifest JOIN entries e ON e.manifest = c.layer
    JOIN dirs d ON d.id = e.dir LEFT JOIN blobs b ON b.id = e.blob LEFT JOIN refs f ON f.id = e.ref
  WHERE v.state = 'COMMITTED' AND (e.blob IS NOT NULL OR e.ref IS NOT NULL)
    AND NOT EXISTS (
      SELECT 1 FROM chains nearer JOIN entries over ON over.manifest = nearer.layer
      WHERE nearer.manifest = c.manifest AND nearer.position < c.position
        AND over.dir = e.dir AND over.name = e.name);

CREATE VIEW metrics_view AS
  SELECT p.name AS project, r.run_id AS run, n.name AS metric, m.step AS step, m.value AS value, m.time AS time,
    m.body AS body
  FROM metrics m JOIN runs r ON r.id = m.run JOIN projects p ON p.id = r.project
    JOIN metric_names n ON n.id = m.metric;
