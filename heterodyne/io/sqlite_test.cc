#include "heterodyne/io/sqlite.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::sqlite_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;
using Mode = Sqlite::Mode;

TEST(Sqlite, WhatIsBoundReadsBack) {
  const TemporaryFolder folder;
  Sqlite database(folder / "x.sqlite", Mode::kWrite, 0);
  database.execute("CREATE TABLE t(number INTEGER, real REAL, text TEXT, bytes BLOB, missing TEXT)");
  const std::string text("'; DROP TABLE t; --\0\x1b[31m\xff\xc3\xa9", 29), bytes("\0\x01\xff", 3);
  auto insert = database.prepare("INSERT INTO t VALUES(?, ?, ?, ?, ?)");
  insert.bind(std::numeric_limits<int64_t>::min()).bind(0.1).bind(text).bind_bytes(bytes).bind_null().run();
  insert.bind(int64_t{7}).bind(std::nan("")).bind("").bind_bytes("").bind_null().run();
  auto row = database.prepare("SELECT * FROM t ORDER BY number");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.integer(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(row.real(1), 0.1);
  EXPECT_EQ(row.text(2), text);
  EXPECT_EQ(row.text(3), bytes);
  EXPECT_TRUE(row.is_null(4));
  ASSERT_TRUE(row.step());
  EXPECT_TRUE(row.is_null(1)) << "NaN";
  EXPECT_EQ(row.text(2), "");
  EXPECT_FALSE(row.step());
}

TEST(Sqlite, TransactionsAreTakenBackUnlessCommitted) {
  const TemporaryFolder folder;
  Sqlite database(folder / "x.sqlite", Mode::kWrite, 0);
  database.execute("CREATE TABLE t(x)");
  const auto count = [&] {
    auto row = database.prepare("SELECT count(*) FROM t");
    row.step();
    return row.integer(0);
  };
  {
    const SqliteTransaction given_up(database);
    database.execute("INSERT INTO t VALUES(1)");
  }
  EXPECT_EQ(count(), 0);
  SqliteTransaction kept(database);
  database.execute("INSERT INTO t VALUES(1)");
  kept.commit();
  EXPECT_EQ(count(), 1);
}

TEST(Sqlite, WhoeverHoldsItIsNotWaitedForLong) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.sqlite";
  Sqlite holder(path, Mode::kWrite, 0);
  holder.execute("CREATE TABLE t(x); BEGIN EXCLUSIVE");
  Sqlite other(path, Mode::kWrite, 1);
  EXPECT_EQ(message_of<BusyError>([&] { other.prepare("SELECT * FROM t"); }), path + ": in use by another process");
  holder.execute("COMMIT");
  EXPECT_FALSE(other.prepare("SELECT * FROM t").step());
}

TEST(Sqlite, WhatIsNoDatabaseIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.put("x.sqlite", "This is no database, whatever its name says.");
  Sqlite database(path, Mode::kRead, 0);
  EXPECT_EQ(message_of<FormatError>([&] { database.prepare("SELECT * FROM t"); }),
            path + ": is damaged: file is not a database");
  EXPECT_THROW(Sqlite(folder / "none.sqlite", Mode::kRead, 0), DeviceError);
  EXPECT_THROW(Sqlite(folder.path(), Mode::kWrite, 0), DeviceError);
}

TEST(Sqlite, TriggersOfAForeignDatabaseAreNotRun) {
  const TemporaryFolder folder;
  Sqlite database(folder / "x.sqlite", Mode::kWrite, 0);
  database.execute(
      "CREATE TABLE t(x); CREATE TABLE u(x);"
      "CREATE TRIGGER trap AFTER INSERT ON t BEGIN INSERT INTO u VALUES(1); END; INSERT INTO t VALUES(1)");
  auto row = database.prepare("SELECT count(*) FROM u");
  row.step();
  EXPECT_EQ(row.integer(0), 0);
}

TEST(Sqlite, PathsAreOnlyPaths) {
  const TemporaryFolder folder;
  const std::string path = folder / "file:x?mode=memory";
  Sqlite(path, Mode::kWrite, 0).execute("CREATE TABLE t(x)");
  EXPECT_EQ(list_folder(folder.path()), std::vector<std::string>{"file:x?mode=memory"});
}

}  // namespace
}  // namespace heterodyne::io::sqlite_test
