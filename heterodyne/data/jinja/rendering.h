// Rendering: one run of a template, in which work, memory and depth are counted, so that no template, however it was
// made, takes more than its share. What runs out is an error that names the limit and the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "heterodyne/data/jinja/value.h"

namespace heterodyne::jinja {

/// Lists and tables inside each other, in what a template is given and in what it makes.
constexpr int kMostNested = 128;
/// Text that is made or looked through costs a step for so many bytes.
constexpr size_t kBytesOfStep = 16;

/// What a template may take.
struct Limits {
  int64_t steps = 20'000'000;        // of evaluation; what is made costs steps too, by its size
  size_t bytes = size_t{16} << 20U;  // of one text, the outcome included
  int depth = 400;                   // expressions, statements and calls inside each other
};

class Rendering {
 public:
  explicit Rendering(std::string where, const Limits& limits = {});

  /// Throws FormatError when the steps have run out.
  void spend(size_t steps);
  /// "[where] line 7: message"
  [[noreturn]] void fail(const std::string& message) const;
  /// Fails when a text of so many bytes is too long.
  void check_size(size_t bytes) const;

  // Each counts what it makes.
  Value text(std::string text);
  Value list(Values items, bool is_tuple = false);
  Value dict(std::vector<std::pair<Value, Value>> entries);

  /// One level further inside for as long as it lives.
  class Deeper {
   public:
    explicit Deeper(Rendering& rendering);
    ~Deeper() { --rendering_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Rendering& rendering_;
  };

  const std::string& where() const { return where_; }
  int line = 0;  // of the template, for error texts

 private:
  std::string where_;
  Limits limits_;
  int64_t steps_left_;
  int depth_ = 0;
};

/// A text that is made of parts, and cannot become too long.
class Builder {
 public:
  explicit Builder(Rendering& rendering) : rendering_(rendering) {}
  Builder& add(std::string_view part);
  Builder& add(size_t count, char character);
  size_t size() const { return text_.size(); }
  /// The text as a value; the builder is empty afterwards.
  Value value() { return rendering_.text(take()); }
  std::string take() { return std::exchange(text_, {}); }

 private:
  Rendering& rendering_;
  std::string text_;
};

}  // namespace heterodyne::jinja
