#include "heterodyne/io/sqlite.h"

#include <sqlite3.h>

#include <filesystem>

namespace heterodyne::io {
namespace {

constexpr int kMaxBytes = 64 << 20;  // of one value: a damaged or hostile file takes no more memory than that

[[noreturn]] void fail(const std::string& path, int code, const std::string& message) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:  // the statements are ours, so it is the tables that are not as they should be
      throw FormatError::in_file(path, "is damaged: " + message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw BusyError(path + ": in use by another process");
    default:
      throw DeviceError(path + ": cannot be used: " + message);
  }
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteStatement::SqliteStatement(std::string path, sqlite3* database, sqlite3_stmt* statement)
    : path_(std::move(path)), database_(database), statement_(statement) {}

void SqliteStatement::check(int code) const {
  if (code != SQLITE_OK) fail(path_, code, sqlite3_errmsg(database_));
}

SqliteStatement& SqliteStatement::bind(int64_t number) {
  check(sqlite3_bind_int64(statement_.get(), ++num_bound_, number));
  return *this;
}

SqliteStatement& SqliteStatement::bind(double number) {
  check(sqlite3_bind_double(statement_.get(), ++num_bound_, number));
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), ++num_bound_, text.data() == nullptr ? "" : text.data(), text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::bind_bytes(std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_.get(), ++num_bound_, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                            SQLITE_TRANSIENT));
  return *this;
}

SqliteStatement& SqliteStatement::bind_null() {
  check(sqlite3_bind_null(statement_.get(), ++num_bound_));
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(path_, code, sqlite3_errmsg(database_));
  return code == SQLITE_ROW;
}

void SqliteStatement::run() {
  step();
  reset();
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  num_bound_ = 0;
}

bool SqliteStatement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double SqliteStatement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string SqliteStatement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(size));
}

void Sqlite::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Sqlite::Sqlite(const std::string& path, Mode mode, int wait_ms) : path_(path) {
  // A reader may write too, where the disk lets it: only then are the files of the log cleared away at the end.
  const int flags = SQLITE_OPEN_READWRITE | (mode == Mode::kRead ? 0 : SQLITE_OPEN_CREATE);
  sqlite3* opened = nullptr;
  // A path that begins with "file:" or ":" would mean something else; an absolute one never does.
  const int code = sqlite3_open_v2(std::filesystem::absolute(path).c_str(), &opened, flags, nullptr);
  database_.reset(opened);
  if (opened == nullptr) throw DeviceError(path + ": cannot be opened: out of memory");
  if (code != SQLITE_OK) fail(path_, code, sqlite3_errmsg(opened));
  sqlite3_extended_result_codes(opened, 1);
  set_wait(wait_ms);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, kMaxBytes);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (mode == Mode::kRead) execute("PRAGMA query_only = ON");
}

void Sqlite::execute(const char* statements) {
  const int code = sqlite3_exec(database_.get(), statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(path_, code, sqlite3_errmsg(database_.get()));
}

SqliteStatement Sqlite::prepare(const char* statement) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), statement, -1, &prepared, nullptr);
  if (code != SQLITE_OK) fail(path_, code, sqlite3_errmsg(database_.get()));
  return {path_, database_.get(), prepared};
}

bool Sqlite::use_write_ahead_log() {
  auto mode = prepare("PRAGMA journal_mode = WAL");
  return mode.step() && mode.text(0) == "wal";
}

void Sqlite::set_wait(int wait_ms) { sqlite3_busy_timeout(database_.get(), wait_ms); }

void Sqlite::copy_to(Sqlite& other) {
  sqlite3_backup* copy = sqlite3_backup_init(other.database_.get(), "main", database_.get(), "main");
  int code = copy == nullptr ? sqlite3_errcode(other.database_.get()) : sqlite3_backup_step(copy, -1);
  if (copy != nullptr) {
    const int end = sqlite3_backup_finish(copy);
    if (code == SQLITE_DONE) code = end;
  }
  if (code != SQLITE_OK) fail(other.path_, code, sqlite3_errstr(code));
}

SqliteTransaction::SqliteTransaction(Sqlite& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

SqliteTransaction::~SqliteTransaction() {
  if (!is_open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {  // SQLite has taken it back itself
  }
}

void SqliteTransaction::commit() {
  database_.execute("COMMIT");
  is_open_ = false;
}

}  // namespace heterodyne::io
