#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::terminal_test {
namespace {

using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

TEST(Terminal, DataAndTalkGoTheirOwnWays) {
  CaptureStdout();
  CaptureStderr();
  Terminal terminal({});
  terminal.print("data");
  terminal.say("talk");
  terminal.warn("careful");
  terminal.error("wrong");
  EXPECT_EQ(GetCapturedStdout(), "data\n");
  EXPECT_EQ(GetCapturedStderr(), "talk\nwarning: careful\nheterodyne: error: wrong\n");
}

TEST(Terminal, TalkOfNamesOfAnyOriginSendsNoControls) {
  CaptureStderr();
  Terminal terminal({.is_tty = true, .use_colour = true, .quiet = false, .show_progress = false});
  terminal.say("run \x1b[2Jx\r\xff");
  terminal.warn("one\ntwo");
  EXPECT_EQ(GetCapturedStderr(), "run \\x1b[2Jx\\x0d\\xff\n\x1b[33mwarning: one\ntwo\x1b[0m\n");
}

TEST(Terminal, QuietKeepsWarningsAndErrors) {
  CaptureStderr();
  Terminal terminal({.is_tty = true, .use_colour = false, .quiet = true, .show_progress = true});
  terminal.say("talk");
  terminal.progress("half");
  terminal.warn("careful");
  EXPECT_EQ(GetCapturedStderr(), "warning: careful\n");
}

TEST(Terminal, TheProgressLineIsRedrawnAndMakesRoom) {
  CaptureStderr();
  Terminal terminal({.is_tty = true, .use_colour = false, .quiet = false, .show_progress = true});
  terminal.progress("1 %");
  terminal.progress("2 %");
  terminal.say("talk");
  terminal.say("more");
  EXPECT_EQ(GetCapturedStderr(), "\r\033[K1 %\r\033[K2 %\r\033[Ktalk\nmore\n");
}

TEST(Terminal, ThereIsNoProgressLineWithoutATerminal) {
  CaptureStderr();
  Terminal({.is_tty = false, .use_colour = false, .quiet = false, .show_progress = true}).progress("1 %");
  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST(Terminal, ColoursOnlyWhenToldTo) {
  EXPECT_EQ(Terminal({.is_tty = true, .use_colour = true}).coloured(Colour::kRed, "x"), "\033[31mx\033[0m");
  EXPECT_EQ(Terminal({}).coloured(Colour::kRed, "x"), "x");
}

TEST(Terminal, TalkIsCopiedUncoloured) {
  std::string copied;
  CaptureStderr();
  Terminal terminal({.is_tty = true, .use_colour = true});
  terminal.set_copy([&](const std::string& line) { copied += line + "|"; });
  terminal.say("talk");
  terminal.log().warning("careful");
  terminal.log().note("by the way");
  GetCapturedStderr();
  EXPECT_EQ(copied, "talk|warning: careful|note: by the way|");
}

}  // namespace
}  // namespace heterodyne::cli::terminal_test
