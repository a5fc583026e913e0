#include "heterodyne/data/jinja/filters.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne::jinja {

Value apply_filter(Rendering& rendering, const std::string& name, const Value& subject, const Arguments& arguments) {
  rendering.spend(1);
  std::vector<std::string> names;
  for (const auto* family : {&filters_of_texts(), &filters_of_lists()}) {
    const auto found =
        std::find_if(family->begin(), family->end(), [&](const Filter& filter) { return filter.name == name; });
    if (found != family->end()) return found->apply(rendering, subject, arguments);
    for (const auto& filter : *family) names.emplace_back(filter.name);
  }
  const std::string close = nearest(name, names);
  rendering.fail(fmt::format("expected a filter, got \"{}\", which is not known{}", name,
                             close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace heterodyne::jinja
