#include "heterodyne/data/jinja/rendering.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne::jinja {
namespace {

constexpr size_t kStepsOfElement = 8;  // what a list costs

}  // namespace

Rendering::Rendering(std::string where, const Limits& limits)
    : where_(std::move(where)), limits_(limits), steps_left_(limits.steps) {}

void Rendering::spend(size_t steps) {
  if (steps >= static_cast<size_t>(steps_left_))
    fail(fmt::format("expected a template that is done after {} steps, got one that goes on",
                     with_commas(limits_.steps)));
  steps_left_ -= static_cast<int64_t>(steps);
}

void Rendering::fail(const std::string& message) const {
  throw FormatError(where_, fmt::format("line {}: {}", line, message));
}

void Rendering::check_size(size_t bytes) const {
  if (bytes > limits_.bytes)
    fail(fmt::format("expected a text of at most {} bytes, got a longer one",
                     with_commas(static_cast<int64_t>(limits_.bytes))));
}

Value Rendering::text(std::string text) {
  check_size(text.size());
  spend(1 + text.size() / kBytesOfStep);
  return Value::text(std::move(text));
}

Value Rendering::list(Values items, bool is_tuple) {
  spend(1 + kStepsOfElement * items.size());
  Value made = Value::list({std::move(items), is_tuple, 1});
  if (made.depth() > kMostNested)
    fail(fmt::format("expected at most {} lists and tables inside each other, got more", kMostNested));
  return made;
}

Value Rendering::dict(std::vector<std::pair<Value, Value>> entries) {
  spend(1 + 2 * kStepsOfElement * entries.size());
  Value made = Value::dict({std::move(entries), 1});
  if (made.depth() > kMostNested)
    fail(fmt::format("expected at most {} lists and tables inside each other, got more", kMostNested));
  return made;
}

Rendering::Deeper::Deeper(Rendering& rendering) : rendering_(rendering) {
  if (rendering_.depth_ >= rendering_.limits_.depth)
    rendering_.fail(
        fmt::format("expected at most {} calls and expressions inside each other, got more", rendering_.limits_.depth));
  ++rendering_.depth_;
}

Builder& Builder::add(std::string_view part) {
  rendering_.check_size(text_.size() + part.size());
  text_ += part;
  return *this;
}

Builder& Builder::add(size_t count, char character) {
  rendering_.check_size(count);
  rendering_.check_size(text_.size() + count);
  text_.append(count, character);
  return *this;
}

}  // namespace heterodyne::jinja
