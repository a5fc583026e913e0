// The visitors behind Schema and read_options(): one reads settings from a table, one writes them back with their
// defaults, one lists them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/base/registry.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

template <class... Handler>
struct Overloaded : Handler... {
  using Handler::operator()...;
};

std::string quoted(const Value& value) { return value.if_text() ? "\"" + *value.if_text() + "\"" : write_value(value); }

// Reads the settings of one table. Complains about wrong types, ranges, settings without effect, unknown keys.
class Reader : public Fields {
 public:
  Reader(const Table& table, Place place, Problems& problems)
      : table_(table), place_(std::move(place)), problems_(problems) {}

  /// After every setting was visited: what the table holds beside them is unknown.
  void reject_unknown_keys() const {
    for (const auto& entry : table_.entries()) {
      if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
      const std::string close = nearest(entry.key, known_);
      std::string message = "unknown key \"" + entry.key + "\"";
      if (!close.empty()) message += "; nearest: \"" + close + "\"";
      if (!place_.listing.empty()) message += ". All keys: heterodyne ls -v " + place_.listing;
      problems_.add(entry.value.position(), place_.path, "", message);
    }
  }

 protected:
  void visit(const Field& field) override {
    known_.emplace_back(field.name);
    const Value* found = table_.find(field.name);
    if (found == nullptr) {
      if (field.rules.is_required) complain(Value(), field, "required, it is missing");
      std::visit([&](const auto& target) { read_absent(target, field); }, field.target);
      return;
    }
    if (!field.rules.ineffective_because.empty()) {
      complain(*found, field,
               fmt::format("has no effect while {}; remove one of the two", field.rules.ineffective_because));
      return;
    }
    const Value value = typed(*found, field);
    std::visit([&](const auto& target) { read(value, target, field); }, field.target);
  }

 private:
  // Text from the command line takes the type of its setting.
  static Value typed(const Value& value, const Field& field) {
    if (!value.is_untyped() || std::holds_alternative<std::string*>(field.target)) return value;
    return parse_value(*value.if_text(), value.position());
  }

  void complain(const Value& value, const Field& field, const std::string& message) const {
    problems_.add(value.position(), place_.path, std::string(field.name), message);
  }

  void wrong_type(const Value& value, const Field& field, const char* expected) const {
    complain(value, field, fmt::format("expected {}, got {} ({})", expected, value.type_name(), quoted(value)));
  }

  // A setting that was not written: its default stays, but for the kinds that a default may name.
  template <class T>
  void read_absent(const T&, const Field&) {}
  void read_absent(Member* target, const Field&) { target->families = place_.families; }
  void read_absent(std::vector<Member>* target, const Field&) {
    for (Member& member : *target) member.families = place_.families;
  }
  void read_absent(const Nested& nested, const Field& field) { read_nested(nested, Table(), field); }

  void read(const Value& value, bool* target, const Field& field) {
    if (const bool* flag = value.if_flag()) *target = *flag;
    else wrong_type(value, field, "true or false");
  }

  void read(const Value& value, int64_t* target, const Field& field) {
    if (!value.if_integer()) return wrong_type(value, field, "a whole number");
    *target = *value.if_integer();
    check_range(value, static_cast<double>(*target), field);
  }

  void read(const Value& value, double* target, const Field& field) {
    if (value.if_integer()) *target = static_cast<double>(*value.if_integer());
    else if (value.if_real()) *target = *value.if_real();
    else return wrong_type(value, field, "a number");
    check_range(value, *target, field);
  }

  void read(const Value& value, std::string* target, const Field& field) {
    if (!value.if_text()) return wrong_type(value, field, "text");
    *target = *value.if_text();
    const auto& choices = field.rules.choices;
    if (choices.empty() || std::find(choices.begin(), choices.end(), *target) != choices.end()) return;
    const std::string close = nearest(*target, choices);
    complain(value, field,
             fmt::format("expected one of {}, got \"{}\"{}", join(choices), *target,
                         close.empty() ? "" : "; nearest: \"" + close + "\""));
  }

  template <class T>
  void read(const Value& value, std::vector<T>* target, const Field& field) {
    if (!value.if_array() && !field.rules.is_list_or_one) return wrong_type(value, field, "a list");
    const Array items = value.if_array() ? *value.if_array() : Array{value};
    target->clear();
    for (const Value& item : items) {
      T element{};
      read(item, &element, field);
      target->push_back(std::move(element));
    }
    if (items.empty() && field.rules.is_list_or_one && !field.rules.may_be_empty)
      complain(value, field, "expected at least one entry, got an empty list");
  }

  void read(const Value& value, Member* target, const Field& field) {
    if (const Table* table = value.if_table()) *target = Member(*table, place_.families);
    else if (value.if_text()) *target = Member(Table{{"kind", value}}, place_.families);
    else wrong_type(value, field, "a table with a kind");
    target->path = place_.inside(field.name).path;
  }

  void read(const Value& value, std::vector<Member>* target, const Field& field) {
    read<Member>(value, target, field);
    for (size_t i = 0; i < target->size(); ++i) (*target)[i].path += "." + std::to_string(i);
  }

  void read(const Value& value, const Nested& nested, const Field& field) {
    if (const Table* table = value.if_table()) read_nested(nested, *table, field);
    else wrong_type(value, field, "a table");
  }

  void read(const Value& value, const Numbered& numbered, const Field& field) {
    const Table* table = value.if_table();
    if (table == nullptr) return wrong_type(value, field, "a table");
    const Place place = place_.inside(field.name);
    for (const auto& entry : table->entries()) {
      const auto number = whole_number(entry.key);
      const Table* settings = entry.value.if_table();
      if (!number || settings == nullptr) {
        const std::string got = number ? entry.value.type_name() : "\"" + entry.key + "\"";
        problems_.add(entry.value.position(), place.path, number ? entry.key : "",
                      fmt::format("expected {}, got {}", number ? "a table" : "whole numbers as keys", got));
        continue;
      }
      Place inner = place.inside(entry.key);
      inner.listing = place_.listing;  // where the settings of all are listed
      read_nested(numbered.entry(*number), *settings, inner);
    }
  }

  static std::optional<int64_t> whole_number(const std::string& text) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
  }

  void read_nested(const Nested& nested, const Table& table, const Field& field) {
    read_nested(nested, table, place_.inside(field.name));
  }

  void read_nested(const Nested& nested, const Table& table, const Place& place) {
    Reader inner(table, place, problems_);
    nested(inner);
    inner.reject_unknown_keys();
  }

  void check_range(const Value& value, double number, const Field& field) const {
    const Rules& rules = field.rules;
    const bool too_low = rules.has_lowest && (rules.excludes_lowest ? number <= rules.lowest : number < rules.lowest);
    const bool too_high = rules.has_highest && number > rules.highest;
    if (!std::isfinite(number)) return complain(value, field, "expected a finite number, got " + quoted(value));
    if (too_low || too_high) {
      complain(value, field, fmt::format("expected {}, got {}", rules.range(), quoted(value)));
    }
  }

  const Table& table_;
  Place place_;
  Problems& problems_;
  std::vector<std::string> known_;
};

// Writes the settings as they are after reading. Members are checked and filled in by their own schemas.
class Resolver : public Fields {
 public:
  Resolver(const Table& written, Place place, Problems& problems)
      : written_(written), place_(std::move(place)), problems_(problems) {}

  Table resolved;

 protected:
  void visit(const Field& field) override {
    if (!field.rules.ineffective_because.empty()) return;
    Value value = std::visit([&](const auto& target) { return write(target, field); }, field.target);
    if (value.is_null()) return;
    if (const Value* source = written_.find(field.name)) value.set_position(source->position());
    resolved.set(field.name, std::move(value));
  }

 private:
  template <class T>
  Value write(const T* target, const Field&) {
    return Value(*target);
  }

  template <class T>
  Value write(const std::vector<T>* target, const Field& field) {
    if (field.rules.is_list_or_one && target->size() == 1) return Value(target->front());
    return Value(Array(target->begin(), target->end()));
  }

  const Family& family_of(const Field& field) const {
    const Family* own = place_.families.find(field.rules.family->name());
    return own ? *own : *field.rules.family;
  }

  // A member that nobody chose is left out.
  Value write(const Member* target, const Field& field) {
    if (target->settings.empty() && !field.rules.is_required) return Value();
    return family_of(field).resolve(target->settings, place_.inside(field.name), problems_);
  }

  Value write(const std::vector<Member>* target, const Field& field) {
    Array items;
    for (size_t i = 0; i < target->size(); ++i) {
      const Place place = place_.inside(field.name).inside(std::to_string(i));
      items.emplace_back(family_of(field).resolve((*target)[i].settings, place, problems_));
    }
    return items;
  }

  Value write(const Nested& nested, const Field& field) {
    const Value* source = written_.find(field.name);
    const Table* table = source ? source->if_table() : nullptr;
    static const Table kNothing;
    Resolver inner(table ? *table : kNothing, place_.inside(field.name), problems_);
    nested(inner);
    return std::move(inner.resolved);
  }

  Value write(const Numbered& numbered, const Field& field) {
    static const Table kNothing;
    const Value* source = written_.find(field.name);
    Table all;
    for (const int64_t number : numbered.numbers()) {
      const std::string key = std::to_string(number);
      const Value* entry = source ? source->if_table()->find(key) : nullptr;
      Resolver inner(entry ? *entry->if_table() : kNothing, place_.inside(field.name).inside(key), problems_);
      numbered.entry(number)(inner);
      all.set(key, std::move(inner.resolved));
    }
    return all.empty() ? Value() : Value(std::move(all));
  }

  const Table& written_;
  Place place_;
  Problems& problems_;
};

class Lister : public Fields {
 public:
  explicit Lister(std::string prefix = "") : prefix_(std::move(prefix)) {}
  std::vector<FieldInfo> fields;

 protected:
  void visit(const Field& field) override {
    if (const auto* nested = std::get_if<Nested>(&field.target)) {
      Lister inner(prefix_ + std::string(field.name) + ".");
      (*nested)(inner);
      fields.insert(fields.end(), inner.fields.begin(), inner.fields.end());
      return;
    }
    fields.push_back({prefix_ + std::string(field.name), type_of(field), default_of(field), field.rules.range(),
                      std::string(field.sentence)});
  }

 private:
  static std::string type_of(const Field& field) {
    const std::string either = field.rules.is_list_or_one ? " or a list" : "";
    return std::visit(
        Overloaded{
            [](const bool*) { return std::string("true or false"); },
            [](const int64_t*) { return std::string("whole number"); },
            [](const double*) { return std::string("number"); },
            [](const std::string*) { return std::string("text"); },
            [&](const std::vector<int64_t>*) {
              return either.empty() ? "list of whole numbers" : "whole number" + either;
            },
            [&](const std::vector<double>*) { return either.empty() ? "list of numbers" : "number" + either; },
            [&](const std::vector<std::string>*) { return either.empty() ? "list of text" : "text" + either; },
            [](const Member*) { return std::string("table"); },
            [](const std::vector<Member>*) { return std::string("list of tables"); },
            [](const Nested&) { return std::string("table"); },
            [](const Numbered&) { return std::string("tables by number"); },
        },
        field.target);
  }

  static std::string default_of(const Field& field) {
    if (field.rules.is_required) return "required";
    return std::visit(Overloaded{
                          [](const Member* member) { return member->kind.empty() ? "none" : member->kind; },
                          [](const std::vector<Member>*) { return std::string("[]"); },
                          [](const Nested&) { return std::string(); },
                          [](const Numbered&) { return std::string("none"); },
                          [&]<class T>(const std::vector<T>* list) {
                            const bool one = field.rules.is_list_or_one && list->size() == 1;
                            return write_value(one ? Value(list->front()) : Value(Array(list->begin(), list->end())));
                          },
                          [](const auto* value) { return write_value(Value(*value)); },
                      },
                      field.target);
  }

  std::string prefix_;
};

}  // namespace

Table Schema::resolve(const Table& table, const Place& place, Problems& problems) const {
  if (!show_) return {};
  Reader reader(table, place, problems);
  Resolver resolver(table, place, problems);
  show_({&reader, &resolver});
  reader.reject_unknown_keys();
  return std::move(resolver.resolved);
}

std::vector<FieldInfo> Schema::list() const {
  if (!show_) return {};
  Lister lister;
  show_({&lister});
  return std::move(lister.fields);
}

void internal::read_fields(const Nested& visit, const Table& table, const Place& place) {
  Problems problems;
  Reader reader(table, place, problems);
  visit(reader);
  reader.reject_unknown_keys();
  problems.throw_if_any();
}

}  // namespace heterodyne
