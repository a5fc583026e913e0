#include "heterodyne/report/figure.h"

#include <algorithm>

#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostPoints = 500;          // of a line
constexpr size_t kPointsOfAFigure = 20'000;  // in all views; each takes about 15 bytes of the page

// The next combination, the last switch first. False after the last one.
bool advance(std::vector<size_t>& options, const std::vector<Choice>& choices) {
  for (size_t i = choices.size(); i-- > 0;) {
    if (++options[i] < choices[i].options.size()) return true;
    options[i] = 0;
  }
  return false;
}

}  // namespace

Figure figure_of(std::string title, const std::vector<Choice>& choices,
                 const std::function<View(const std::vector<size_t>&)>& make) {
  Figure figure{std::move(title), {}, {}};
  for (const Choice& choice : choices) {
    if (choice.options.empty()) return figure;
    if (choice.options.size() > 1) figure.choices.push_back(choice);
  }
  std::vector<size_t> options(choices.size());
  do {
    View view = make(options);
    view.options.clear();
    for (size_t i = 0; i < choices.size(); ++i) {
      if (choices[i].options.size() > 1) view.options.push_back(options[i]);
    }
    figure.views.push_back(std::move(view));
  } while (advance(options, choices));
  return figure;
}

Figure table_figure(std::string title, std::string reading, Rows table) {
  View view;
  view.count = "n = " + counted(static_cast<int64_t>(table.rows.size()), "row");
  view.reading = std::move(reading);
  view.table = std::move(table);
  return {std::move(title), {}, {std::move(view)}};
}

Panel not_recorded(std::string title, const std::string& what, const ReportInput& input, const std::string& flags) {
  const std::string run = input.run.path.empty() ? "RUN" : shell_word(input.run.path);
  const std::string more = flags.empty() ? "" : " " + flags;
  return {std::move(title), {}, what + " was not recorded. This records it: heterodyne route " + run + more};
}

size_t points_per_line(size_t num_lines) {
  return std::clamp<size_t>(kPointsOfAFigure / std::max<size_t>(num_lines, 1), 24, kMostPoints);
}

}  // namespace heterodyne
