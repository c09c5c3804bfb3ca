import GRDB

/// The tables, by the migrations that make them. A migration that was released never changes; new ones follow.
enum StorageSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 sessions") { database in
            try database.execute(sql: sessions)
            if try hasTrigrams(database) { try database.execute(sql: textIndex) }
        }
        migrator.registerMigration("2 keys") { try $0.execute(sql: keys) }
        return migrator
    }

    /// `row` is the order of creation, whatever the clock does. Parents are checked at the end of a transaction, so that a branch can be
    /// deleted by one statement whatever its depth (cascades are limited to 1000 levels).
    private static let sessions = """
        CREATE TABLE session (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL,
            id TEXT NOT NULL,
            title TEXT NOT NULL,
            model TEXT,
            system_prompt TEXT,
            pinned INTEGER NOT NULL,
            settings TEXT NOT NULL,
            current_message INTEGER,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            UNIQUE (owner, id)
        );
        CREATE INDEX session_by_age ON session (owner, updated_at, row);
        CREATE TABLE message (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            session INTEGER NOT NULL REFERENCES session (row) ON DELETE CASCADE,
            id TEXT NOT NULL,
            parent INTEGER REFERENCES message (row) DEFERRABLE INITIALLY DEFERRED,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            state TEXT NOT NULL,
            finish_reason TEXT,
            model TEXT,
            usage TEXT,
            timings TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            UNIQUE (session, id)
        );
        CREATE INDEX message_by_parent ON message (parent);
        CREATE INDEX message_streaming ON message (state) WHERE state = 'streaming';
        """

    /// An index of all messages but those that are being generated, which change once a second.
    /// Source: https://www.sqlite.org/fts5.html, "External Content Tables" and "The Trigram Tokenizer".
    private static let textIndex = """
        CREATE VIRTUAL TABLE message_text USING fts5 (content, content = 'message', content_rowid = 'row', tokenize = 'trigram');
        CREATE TRIGGER message_text_insert AFTER INSERT ON message WHEN new.state <> 'streaming' BEGIN
            INSERT INTO message_text (rowid, content) VALUES (new.row, new.content);
        END;
        CREATE TRIGGER message_text_delete AFTER DELETE ON message WHEN old.state <> 'streaming' BEGIN
            INSERT INTO message_text (message_text, rowid, content) VALUES ('delete', old.row, old.content);
        END;
        CREATE TRIGGER message_text_before BEFORE UPDATE OF content, state ON message WHEN old.state <> 'streaming' BEGIN
            INSERT INTO message_text (message_text, rowid, content) VALUES ('delete', old.row, old.content);
        END;
        CREATE TRIGGER message_text_after AFTER UPDATE OF content, state ON message WHEN new.state <> 'streaming' BEGIN
            INSERT INTO message_text (rowid, content) VALUES (new.row, new.content);
        END;
        """

    private static let keys = """
        CREATE TABLE api_key (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            salt BLOB NOT NULL,
            hash BLOB NOT NULL,
            is_admin INTEGER NOT NULL,
            is_active INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE secret (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        );
        INSERT INTO secret (name, value) VALUES ('configured_keys', randomblob(32));
        """

    /// Whether the system's SQLite has FTS5 with trigrams (3.34 and later); without them a search reads all messages.
    private static func hasTrigrams(_ database: Database) throws -> Bool {
        let version = try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? ""
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        let isNewEnough = !numbers.lexicographicallyPrecedes([3, 34])
        let modules = try Int.fetchOne(database, sql: "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'") ?? 0
        return isNewEnough && modules > 0
    }
}
