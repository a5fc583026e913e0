// Frame: the special symbols that belong around one text, or around two, as tokenizer.json describes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/data/tokenizer.h"

namespace heterodyne::tokens {

class Frame {
 public:
  /// Nothing around them.
  Frame() = default;
  /// The entry `post_processor`; missing or null: nothing around them. Types: ByteLevel (which changes no ids),
  /// Sequence, TemplateProcessing. Throws FormatError naming `where`, the file, for others, and for damage.
  Frame(const Value* description, const std::string& where);

  FramedText around(const std::vector<int64_t>& ids) const;
  FramedText around(const std::vector<int64_t>& first, const std::vector<int64_t>& second) const;

 private:
  struct Part {
    std::vector<int64_t> ids;  // of a special symbol; empty where a text stands
    bool is_second = false;    // the text
    int64_t type = 0;
  };
  using Parts = std::vector<Part>;

  static Parts read_parts(const Table& description, const char* key, const std::string& where);
  static FramedText fill(const Parts& parts, const std::vector<int64_t>& first, const std::vector<int64_t>& second);
  void read(const Value& description, const std::string& where);

  Parts one_{{{}, false, 0}};
  Parts two_{{{}, false, 0}, {{}, true, 1}};
};

}  // namespace heterodyne::tokens
