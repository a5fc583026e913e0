// Fields: how an Options struct describes its settings, each exactly once.
//
//   struct Options {
//     int64_t k = 2;
//     void visit(Fields& field) { field("k", k, "experts each token is sent to", between(1, 64)); }
//   };
//
// From that one line come the reading and checking of configurations, the defaults in resolved.toml, the listing of
// `heterodyne ls -v` and the flags of a command. A setting may be bool, int64_t, double, std::string, a vector of
// one of the last three, a Member of a family (its `kind` with that kind's own settings), a vector of Members, or
// a struct with a visit() of its own, or a map from whole numbers to such structs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "heterodyne/base/families.h"
#include "heterodyne/base/table.h"

namespace heterodyne {

class Family;
class Fields;

/// A choice among the members of a family, as a configuration names it.
struct Member {
  std::string kind;
  Table settings;     // as written, `kind` included
  std::string path;   // where it stands in the configuration ("model.moe.router"); empty for a literal
  Families families;  // those of the program that chose it

  Member() = default;
  explicit Member(Table written, Families brought = {});
};

/// What a setting accepts and when it counts. Built by the rule functions below.
struct Rules {
  double lowest = 0;
  double highest = 0;
  bool has_lowest = false;
  bool has_highest = false;
  bool excludes_lowest = false;
  std::vector<std::string> choices;
  const Family* family = nullptr;
  bool is_list_or_one = false;
  bool may_be_empty = false;
  bool is_required = false;
  bool is_positional = false;
  bool is_value_optional = false;
  std::string ineffective_because;  // not empty: the setting has no effect here

  /// "1 .. 64", "> 0", "none | gumbel | gaussian", "any router" or "".
  std::string range() const;
};

using Rule = std::function<void(Rules&)>;

Rule between(double lowest, double highest);
Rule at_least(double lowest);
Rule more_than(double bound);
/// A share: 0 .. 1.
Rule share();
Rule one_of(std::vector<std::string> choices);
template <class... Text>
Rule one_of(const char* first, Text... rest) {
  return one_of(std::vector<std::string>{first, rest...});
}
Rule member_of(const Family& family);
/// For vectors: a single value stands for a list of one.
Rule list_or_one();
/// The same, and the list may be empty.
Rule list_or_none();
Rule required();
/// For commands: taken from the command line without a flag.
Rule positional();
/// For commands: the flag may stand without a value; it is kImpliedValue then.
Rule optional_value();
constexpr std::string_view kImpliedValue = "(implied)";
/// Writing the setting is an error unless `condition` holds; `otherwise` completes "has no effect while ...".
Rule effective_when(bool condition, std::string otherwise);

/// A struct with a visit() of its own, seen without its type.
using Nested = std::function<void(Fields&)>;

/// A setting that is a table of tables under whole numbers, "layer.3": settings that hold for one of many.
struct Numbered {
  std::function<Nested(int64_t number)> entry;    // the struct of a number; made when there is none
  std::function<std::vector<int64_t>()> numbers;  // of those that were made, ascending
};

/// Structs by number, each made as a copy of `base`, which must have been read before.
template <class T>
Numbered numbered(std::map<int64_t, T>& all, const T& base) {
  return {[&all, &base](int64_t number) {
            auto& entry = all.try_emplace(number, base).first->second;
            return Nested([&entry](Fields& inner) { entry.visit(inner); });
          },
          [&all] {
            std::vector<int64_t> numbers;
            for (const auto& [number, entry] : all) numbers.push_back(number);
            return numbers;
          }};
}

struct Field {
  std::string_view name;
  std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*, std::vector<double>*,
               std::vector<std::string>*, Member*, std::vector<Member>*, Nested, Numbered>
      target;
  std::string_view sentence;
  Rules rules;
};

/// Anything that is shown every setting of an Options struct in turn.
class Fields {
 public:
  virtual ~Fields() = default;

  template <class T, class... RuleType>
  void operator()(std::string_view name, T&& target, std::string_view sentence, const RuleType&... rule) {
    Rules rules;
    (rule(rules), ...);
    using Setting = std::remove_cvref_t<T>;
    if constexpr (requires(Fields& fields) { target.visit(fields); }) {
      visit({name, Nested([&target](Fields& inner) { target.visit(inner); }), sentence, std::move(rules)});
    } else if constexpr (std::is_same_v<Setting, Numbered>) {
      visit({name, target, sentence, std::move(rules)});
    } else {
      visit({name, &target, sentence, std::move(rules)});
    }
  }

 protected:
  virtual void visit(const Field& field) = 0;
};

/// Collects every complaint about a configuration, so that one run shows them all.
class Problems {
 public:
  void add(const Position& position, const std::string& path, const std::string& key, const std::string& message);
  bool empty() const { return found_.empty(); }
  /// Throws one ConfigError with a line for each problem, in the order of their places in the file.
  void throw_if_any() const;

 private:
  std::vector<std::pair<Position, std::string>> found_;
};

/// Where a table stands in the configuration ("model.moe.router"), what `heterodyne ls -v` calls its settings
/// ("router.top_k"), and the registries of the program's own that it may choose from. All are empty at the top.
struct Place {
  std::string path;
  std::string listing;
  Families families = {};

  Place inside(std::string_view name) const;
};

/// One line of a listing: `heterodyne ls -v`, the schema, the documentation.
struct FieldInfo {
  std::string name;  // dotted inside nested structs
  std::string type;
  std::string default_text;
  std::string range;
  std::string sentence;
};

/// An Options struct seen without its type: a fresh one is made and shown to each visitor in turn.
class Schema {
 public:
  Schema() = default;
  template <class Options>
  static Schema of() {
    return Schema([](std::initializer_list<Fields*> visitors) {
      Options options;
      for (Fields* visitor : visitors) options.visit(*visitor);
    });
  }

  /// Checks `table` against the settings; complaints go to `problems`. Returns it with every default filled in,
  /// settings without effect left out; each value keeps the position where it was written.
  Table resolve(const Table& table, const Place& place, Problems& problems) const;
  std::vector<FieldInfo> list() const;
  /// Shows a fresh Options struct to a visitor.
  void show(Fields& fields) const { show_({&fields}); }

 private:
  using Show = std::function<void(std::initializer_list<Fields*>)>;
  explicit Schema(Show show) : show_(std::move(show)) {}
  Show show_;
};

namespace internal {
void read_fields(const Nested& visit, const Table& table, const Place& place);
}  // namespace internal

/// Fills an Options struct from `table`. Members inside it are read when they are made.
/// Throws ConfigError with all complaints at once.
template <class Options>
Options read_options(const Table& table, const Place& place) {
  Options options;
  internal::read_fields([&](Fields& fields) { options.visit(fields); }, table, place);
  return options;
}

}  // namespace heterodyne
