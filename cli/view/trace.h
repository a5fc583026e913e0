// Trace: a text as it is made, and which expert worked on each token.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "heterodyne/model/network.h"

namespace heterodyne::cli {

class Trace {
 public:
  /// `shows_experts` colours each token by its first expert in the first layer; where there is no colour each change of
  /// expert is marked in brackets, "[3]". Control characters other than line ends and tabs are made visible.
  Trace(Network& network, Terminal& terminal, bool shows_experts);

  /// `experts` of each layer, best first. A character of which a piece holds the beginning alone is shown with the
  /// piece that ends it.
  void add(const std::string& piece, const std::vector<std::vector<int64_t>>& experts);
  /// Ends the line and prints the legend.
  void finish();

 private:
  int64_t position_of(int64_t id) const;

  Terminal& terminal_;
  bool shows_experts_;
  std::vector<int64_t> ids_;
  std::vector<std::string> names_;
  std::map<int64_t, int64_t> count_;  // tokens by the id of their first expert
  int64_t last_ = -2;
  char last_character_ = '\n';
  std::string unfinished_;  // bytes of a character whose end has not come
};

}  // namespace heterodyne::cli
