#include "cli/view/trace.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::cli::trace_test {
namespace {

std::shared_ptr<Network> small_network() {
  DataShape shape;
  shape.vocabulary = shape.num_classes = 5;
  const Table moe{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}, {"name", "small"}}}}};
  return networks().make(Member(Table{{"kind", "lstm_lm"}, {"width", 4}, {"moe", moe}}), NetworkContext{shape, 1});
}

std::string shown(bool shows_experts, bool with_colour) {
  const auto network = small_network();
  Terminal terminal({.colours_output = with_colour});
  testing::internal::CaptureStdout();
  Trace trace(*network, terminal, shows_experts);
  trace.add("a", {{2, 0}});
  trace.add("b", {{2, 1}});
  trace.add("\x1b[2J", {{0, 1}});
  trace.add("c", {{}});
  trace.finish();
  return testing::internal::GetCapturedStdout();
}

TEST(Trace, WithoutExpertsItIsTheText) { EXPECT_EQ(shown(false, true), "ab\\x1b[2Jc\n"); }

// A symbol of four bytes in three pieces, and the beginning of one that does not go on.
TEST(Trace, CharactersMayComeInPieces) {
  const auto network = small_network();
  Terminal terminal({});
  testing::internal::CaptureStdout();
  Trace trace(*network, terminal, false);
  for (const char* piece : {"a\xF0", "\x9F\x99", "\x82", "b\xC3", "c", "\xC3"}) trace.add(piece, {});
  trace.finish();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a\U0001F642b\\xc3c\\xc3\n");
}

TEST(Trace, MarksEachChangeOfTheFirstExpert) {
  EXPECT_EQ(shown(true, false),
            "[2]ab[0]\\x1b[2J[-]c\n\nfirst expert in layer 0: none 25 %   0 small 25 %   2 small 50 %\n");
}

TEST(Trace, ColoursTokensWhereThereIsColour) {
  const auto text = shown(true, true);
  EXPECT_NE(text.find("\033[38;5;34ma\033[0m"), std::string::npos) << text;
  EXPECT_EQ(text.find("[2]a"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::cli::trace_test
