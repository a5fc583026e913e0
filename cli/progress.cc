#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/compute.h"
#include "cli/view/report.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

constexpr size_t kRecent = 50;           // steps that averages on the line are taken over
constexpr double kSecondsBetween = 0.2;  // two drawings

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double number(const Table& values, const std::string& key) {
  const Value* value = values.find(key);
  if (value == nullptr) return NAN;
  if (value->if_integer()) return static_cast<double>(*value->if_integer());
  return value->if_real() ? *value->if_real() : NAN;
}

// "k 2.00  max/ideal 1.33  dead 0/4  H 0.974" of the first MoE layer, and "drop 3.1 %" where there was no room.
std::string balance_text(const std::vector<LayerCounts>& layers) {
  if (layers.empty()) return "";
  const LayerCounts& layer = layers.front();
  const Balance balance = balance_of(layer.count_E);
  const std::string text =
      fmt::format("  k {:.2f}  max/ideal {:.2f}  dead {}/{}  H {:.3f}", layer.mean_k(), balance.max_violation + 1,
                  balance.num_dead, layer.count_E.size(), balance.entropy);
  if (layer.num_dropped == 0) return text;
  const auto wanted = static_cast<double>(layer.num_assignments() + layer.num_dropped);
  return text + fmt::format("  drop {:.1f} %", 100 * static_cast<double>(layer.num_dropped) / wanted);
}

// A piece of the progress line; those of the highest rank go first when the terminal is narrow.
struct Part {
  std::string text;
  int rank;
};

// The parts as one line of at most `width` columns; a wider one would wrap, and could not be redrawn.
std::string fitted(std::vector<Part> parts, size_t width) {
  for (;;) {
    std::string line;
    for (const Part& part : parts) line += (line.empty() ? "" : "  ") + part.text;
    if (columns_of(line) <= width || parts.empty()) return line;
    parts.erase(
        std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.rank < b.rank; }));
  }
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
}

void Progress::on_start(const TrainPlan& plan) {
  plan_ = plan;
  if (plan.first_step > 0)
    terminal_.say(fmt::format("going on at step {} of {}", with_commas(plan.first_step), with_commas(plan.num_steps)));
}

void Progress::on_step(const StepReport& report) {
  recent_.push_back({report.result.loss, report.seconds, report.result.num_examples, report.result.num_correct});
  if (recent_.size() > kRecent) recent_.pop_front();
  routing_.add(report.result.routing);
  const double now = seconds_now();
  if (!terminal_.shows_progress() || now - last_drawn_ < kSecondsBetween) return;
  last_drawn_ = now;
  terminal_.progress(line(report));
  routing_ = {};
}

double Progress::seconds_left(int64_t step) const {
  double seconds = 0;
  for (const Step& recent : recent_) seconds += recent.seconds;
  return recent_.empty() ? 0
                         : seconds / static_cast<double>(recent_.size()) * static_cast<double>(plan_.num_steps - step);
}

std::string Progress::line(const StepReport& report) const {
  double loss = 0, seconds = 0;
  int64_t examples = 0, correct = 0;
  for (const Step& recent : recent_) {
    loss += recent.loss;
    seconds += recent.seconds;
    examples += recent.num_examples;
    correct += recent.num_correct;
  }
  std::vector<Part> parts = {{fmt::format("epoch {}/{:g}", report.epoch, plan_.num_epochs), 0},
                             {fmt::format("step {}/{}", with_commas(report.step), with_commas(plan_.num_steps)), 0},
                             {fmt::format("loss {:.3f}", loss / static_cast<double>(recent_.size())), 1}};
  if (!words_.has_numbers)
    parts.push_back(
        {fmt::format("acc {:.1f} %", 100.0 * static_cast<double>(correct) / static_cast<double>(examples)), 3});
  if (!valid_.empty()) parts.push_back({"valid " + valid_, 5});
  parts.push_back(
      {fmt::format("{} {}", with_commas(std::llround(static_cast<double>(examples) / seconds)), words_.rate()), 4});
  parts.push_back({fmt::format("eta {}", duration_text(seconds_left(report.step))), 1});
  for (const auto& layer : routing_.layers()) parts.push_back({"[" + tiny_bars(layer.count_E) + "]", 2});
  return fitted(std::move(parts), static_cast<size_t>(terminal_.width()) - 1);
}

void Progress::on_log(const LogReport& report) {
  if (terminal_.shows_progress()) return;
  const Table& v = report.values;
  std::string text = fmt::format("epoch {:.2f}/{:g}  step {}  loss {:.3f}  task {:.3f}  balance {:.3f}",
                                 number(v, "epoch"), plan_.num_epochs, with_commas(report.step), number(v, "loss"),
                                 number(v, "task"), number(v, "loss") - number(v, "task"));
  if (!words_.has_numbers) text += fmt::format("  acc {:.1f} %", 100 * number(v, "accuracy"));
  text += fmt::format("  lr {:.1e}", number(v, "lr"));
  text += balance_text(routing_.layers());
  text += fmt::format("  {} MB  {} {}  eta {}", resident_bytes() >> 20,
                      with_commas(std::llround(number(v, "examples_per_s"))), words_.rate(),
                      duration_text(seconds_left(report.step)));
  terminal_.say(text);
  routing_ = {};
}

void Progress::on_validation(const ValidationReport& report) {
  const auto& metrics = report.evaluation.metrics;
  const bool has_numbers = metrics.are_numbers();
  valid_ = has_numbers ? score_text(metrics) : fmt::format("{:.1f} %", 100 * metrics.accuracy());
  terminal_.say(fmt::format("epoch {}/{:g}  step {}  valid {}  loss {:.4f}{}{}{}", report.epoch, plan_.num_epochs,
                            with_commas(report.step),
                            has_numbers ? valid_ : fmt::format("{:.2f} %", 100 * metrics.accuracy()), metrics.loss(),
                            words_.measure(metrics.loss()), balance_text(report.evaluation.routing.layers()),
                            report.is_best ? "  best" : ""));
}

void Progress::on_growth(const GrowthReport& report) {
  routing_ = {};  // counts are by position
  for (const auto& line : growth_lines(report)) terminal_.say(line);
}

}  // namespace heterodyne::cli
