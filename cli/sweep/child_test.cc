#include "cli/sweep/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::child_test {
namespace {

// Run by the tests below in a process of its own: says that it is there and waits for a signal.
TEST(ChildProcess, DISABLED_WaitsToBeEnded) {
  if (::write(STDOUT_FILENO, "here\n", 5) == 5) ::pause();
}
// The same for one that fails.
TEST(ChildProcess, DISABLED_Fails) { FAIL() << "as it should"; }

std::vector<std::string> only(const std::string& test) {
  return {"--gtest_also_run_disabled_tests", "--gtest_filter=ChildProcess.DISABLED_" + test};
}

int wait_for(Child& child) {
  std::optional<int> code;
  while (!(code = child.poll())) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return *code;
}

TEST(Child, IsThisProgramWithOtherArguments) {
  const fixtures::TemporaryFolder folder;
  Child child({"--gtest_list_tests", "--gtest_filter=Child.*"}, folder / "said");
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_NE(io::read_file(folder / "said").find("IsThisProgramWithOtherArguments"), std::string::npos);
  EXPECT_EQ(child.poll(), 0) << "asked again";
}

TEST(Child, TellsHowItEnded) {
  const fixtures::TemporaryFolder folder;
  Child failing(only("Fails"), folder / "failing");
  EXPECT_EQ(wait_for(failing), 1);
  EXPECT_NE(io::read_file(folder / "failing").find("as it should"), std::string::npos);
  Child nowhere(only("Fails"), folder / "no/such/folder");
  EXPECT_EQ(wait_for(nowhere), 127);
}

TEST(Child, EndsWhenAskedTo) {
  const fixtures::TemporaryFolder folder;
  folder.put("said", "");
  Child child(only("WaitsToBeEnded"), folder / "said");
  while (io::read_file(folder / "said").find("here") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(child.poll(), std::nullopt);
  Child moved = std::move(child);
  moved.ask_to_end();
  EXPECT_EQ(wait_for(moved), 128 + SIGTERM);
}

TEST(Child, DoesNotOutliveItsOwner) {
  const fixtures::TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  {
    const Child child(only("WaitsToBeEnded"), folder / "said");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << "it would wait for ever";
}

}  // namespace
}  // namespace heterodyne::cli::child_test
