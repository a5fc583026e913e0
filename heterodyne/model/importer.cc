#include "heterodyne/model/importer.h"

#include <fmt/format.h>

#include "heterodyne/base/text.h"

namespace heterodyne {

ImporterRegistry empty_importers() { return ImporterRegistry("importer"); }

std::string importer_of(const Table& config) {
  for (const auto& name : importers().names()) {
    if (importers().find(name).recognizes(config)) return name;
  }
  return "";
}

Blueprint read_blueprint(const Table& config, const std::string& where) {
  const std::string name = importer_of(config);
  if (!name.empty()) return importers().find(name).read(config, where);
  const Value* type = config.find("model_type");
  const std::string got = type && type->if_text() ? "\"" + *type->if_text() + "\"" : "none";
  throw FormatError::in_file(where,
                             fmt::format("model_type: expected one of {}, got {}", join(importers().names()), got));
}

}  // namespace heterodyne
