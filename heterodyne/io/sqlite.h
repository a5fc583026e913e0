// Sqlite: one database file, its statements and transactions. Nothing else sees SQLite's own interface.
//
// A database may come from anywhere: its triggers and views are not run, and what is damaged is an error. Statements
// are fixed text; what varies is bound to their question marks, never pasted in.
//
// Errors: FormatError when the file is damaged or no database; BusyError when another process holds it longer than the
// wait; any other DeviceError when it cannot be opened or written. All name the path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "heterodyne/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace heterodyne::io {

class BusyError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// A statement being run: bind, step, read the row, reset. Columns count from 0.
class SqliteStatement {
 public:
  // The next question mark, from the first after construction and reset(). What is bound is copied.
  SqliteStatement& bind(int64_t number);
  SqliteStatement& bind(double number);  // NaN is stored as null
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind_bytes(std::string_view bytes);
  SqliteStatement& bind_null();

  /// True when there is a row.
  bool step();
  /// Steps once and makes it ready for the next values: for what gives no rows.
  void run();
  void reset();

  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  /// Text or bytes, zeros within included.
  std::string text(int column) const;

 private:
  friend class Sqlite;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(std::string path, sqlite3* database, sqlite3_stmt* statement);
  void check(int code) const;

  std::string path_;
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int num_bound_ = 0;
};

/// A connection; of one thread.
class Sqlite {
 public:
  enum class Mode { kRead, kWrite };
  /// Opens the file; kWrite makes it when there is none. Calls wait up to `wait_ms` for other connections.
  Sqlite(const std::string& path, Mode mode, int wait_ms);

  /// Statements that give no rows, separated by semicolons.
  void execute(const char* statements);
  SqliteStatement prepare(const char* statement);
  /// False when this disk or file cannot; the journal is then as it was.
  bool use_write_ahead_log();
  void set_wait(int wait_ms);
  /// Makes `other` equal to this database, in one transaction there.
  void copy_to(Sqlite& other);

  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// A transaction for writing; taken back unless commit() is reached.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(Sqlite& database);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  Sqlite& database_;
  bool is_open_ = true;
};

}  // namespace heterodyne::io
