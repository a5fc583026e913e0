// FieldTemplate: a text with places for the fields of a row, such as a line of a data set.
//
//   "Question: {{question}}\nAnswer:"           a field
//   "{{choices.text.0}}"                        inside tables and lists, which count from 0
//   "{{sentence | before(_) | strip}}"          through filters, one after the other
//
// Filters: strip, lstrip and rstrip (white space at both ends, before, behind), before(x) and after(x) (the part before
// or after the first x; it must be there), without_last (the last character cut off), lower_first (a to z for A to Z in
// the first place), spaced (a space for each underscore), words (the text that `words` names for this one).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

class FieldTemplate {
 public:
  using Words = std::map<std::string, std::string>;

  FieldTemplate() = default;
  /// Throws Error saying what is wrong with the template: a place without an end, an unknown filter.
  explicit FieldTemplate(std::string_view text, Words words = {});

  bool is_empty() const { return parts_.empty(); }

  /// With the row's fields in their places: texts as they are, numbers in JSON's form, truth as true or false. Throws
  /// FormatError naming `where` and the field that is missing, is null, a list or a table, or does not fit a filter.
  std::string text(const Table& row, const std::string& where) const;
  /// The items of a list, when the template is nothing but the place of one; else its one text.
  std::vector<std::string> texts(const Table& row, const std::string& where) const;

 private:
  struct Filter {
    std::string name, argument;
  };
  struct Part {
    std::string text;  // when `field` is empty
    std::string field;
    std::vector<Filter> filters = {};
  };

  static Part place_of(std::string_view text);
  std::string filtered(const Value& value, const Part& part, const std::string& where) const;

  std::vector<Part> parts_;
  Words words_;
};

/// The value at a dotted path of tables and lists, or nullptr.
const Value* find_field(const Table& row, std::string_view path);

}  // namespace heterodyne
