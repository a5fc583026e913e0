#include "cli/session.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::session_test {
namespace {

struct SessionTest : testing::Test {
  fixtures::TemporaryFolder folder;
  std::vector<std::string> notes;
  const Log log{[this](LogLevel, const std::string& line) { notes.push_back(line); }};

  SessionRequest request(const std::string& width = "16") const {
    return {"synthetic/dmmoe", "", "", {{"data.examples=300", "data.size=8", "model.width=" + width}, ""}, {},
            folder.path()};
  }
  SessionRequest resumed(SessionRequest request, const std::string& where) const {
    request.resume = where;
    return request;
  }
};

TEST_F(SessionTest, ARunIsNamedByItsConfiguration) {
  const auto session = start_session(request(), log);
  EXPECT_EQ(session.folder.path(), folder / "synthetic-dmmoe");
  EXPECT_EQ(session.dataset->size(Split::kTrain), 270);
  EXPECT_EQ(session.state.step, 0);
}

TEST_F(SessionTest, AFolderOfItsOwnIsTaken) {
  auto mine = request();
  mine.out = folder / "mine";
  EXPECT_EQ(start_session(mine, log).folder.path(), folder / "mine");
}

TEST_F(SessionTest, ARefusedRunLeavesNoFolder) {
  EXPECT_TRUE(fixtures::message_of<ConfigError>([&] { start_session({}, log); }).starts_with("train: expected a conf"));
  auto large = request();
  large.flags.set.emplace_back("data.batch=500");
  fixtures::message_of<ConfigError>([&] { start_session(large, log); });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(SessionTest, ARunGoesOnByItsFolderOrItsConfiguration) {
  {
    start_session(request(), log);
  }
  const std::string path = folder / "synthetic-dmmoe";
  EXPECT_EQ(resume_session(resumed({}, path), log).experiment.options.name, "synthetic-dmmoe");
  EXPECT_EQ(resume_session(resumed(request(), std::string(kImpliedValue)), log).folder.path(), path);
  EXPECT_EQ(notes, (std::vector<std::string>(2, path + ": no checkpoint yet; starting from the beginning")));
}

TEST_F(SessionTest, AnotherWidthIsAnotherRun) {
  {
    start_session(request("16"), log);
  }
  const std::string path = folder / "synthetic-dmmoe";
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { resume_session(resumed(request("32"), path), log); }),
            path + ": cannot resume: model.width was 16, is 32 now. New run: heterodyne train " + path +
                "/resolved.toml --out DIR with these settings");
}

TEST_F(SessionTest, SomethingMustSayWhichRunGoesOn) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { resume_session(resumed({}, std::string(kImpliedValue)), log); }),
            "train --resume: expected a run's folder, or a configuration beside it");
}

}  // namespace
}  // namespace heterodyne::cli::session_test
