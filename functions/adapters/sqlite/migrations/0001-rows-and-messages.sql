-- Rows of the Table port. A rowid table with an index, not WITHOUT ROWID: rows run to many kilobytes (receipts, vectors),
-- and an index b-tree would carry their bodies in its inner nodes. BINARY collation over UTF-8 is the byte order of the port.
CREATE TABLE rows (
  pk TEXT NOT NULL,
  sk TEXT NOT NULL,
  item TEXT NOT NULL,
  expires_at INTEGER,
  UNIQUE (pk, sk)
) STRICT;

CREATE INDEX rows_by_expiry ON rows (expires_at) WHERE expires_at IS NOT NULL;

-- Messages of the Queue port. `seq` is the order of sending and is never used twice, so `seq` and `attempts` name a delivery.
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  ordering_group TEXT,
  visible_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX messages_by_time ON messages (queue, visible_at, seq);
CREATE INDEX messages_by_group ON messages (queue, ordering_group, seq) WHERE ordering_group IS NOT NULL;

CREATE TABLE dead_letters (
  seq INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  ordering_group TEXT,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  dead_at INTEGER NOT NULL
) STRICT;

CREATE INDEX dead_letters_by_queue ON dead_letters (queue, seq);
