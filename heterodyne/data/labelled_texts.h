// LabelledTexts: reads files of texts, or pairs of texts, with a class or a number each: comma-separated values, as
// AG's News and the other sets of Zhang, Zhao and LeCun (2015) come, tab-separated ones, as those of GLUE, or a JSON
// object on each line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/fields.h"

namespace heterodyne {

struct LabelledText {
  std::string text;
  int64_t label = 0;        // 0 where texts have a number
  std::string second = {};  // the other text of a pair
  double target = 0;        // the number, where texts have no class
};

/// Settings: where a file has what.
struct TextFields {
  std::string format = "csv";
  bool header = false;
  std::string label = "0";
  std::vector<std::string> text = {"1"};
  int64_t first_label = 0;
  std::string second =
      {};  // of the other text of a pair; "": there is none. No setting here, but of data sets of pairs
  void visit(Fields& field) {
    field("format", format,
          "values separated by commas or, without any quoting, by tabs; or a JSON object on each line",
          one_of("csv", "tsv", "jsonl"));
    field("header", header, "whether the first line names the columns",
          effective_when(format != "jsonl", "format is \"jsonl\""));
    field("label", label, "the column or key of the class; columns without names are counted from 0");
    field("text", text, "the columns or keys of the text, joined by a space", list_or_one());
    field("first_label", first_label, "number of the first class in the file");
  }
};

/// The examples of the file's content in their order. A class is its number or its name; without `class_names` each
/// text has a real number. Joined texts have no space at their ends. Throws FormatError with the file and the line:
/// broken quoting (io/csv.h), a line that is no JSON object or ends before a column, a column or key that is not there,
/// text that is not UTF-8, a class that is none of `class_names`, what is no number, no example at all.
std::vector<LabelledText> read_labelled_texts(std::string_view content, const std::string& file,
                                              const TextFields& fields, const std::vector<std::string>& class_names);

}  // namespace heterodyne
