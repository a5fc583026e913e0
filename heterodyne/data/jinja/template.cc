#include "heterodyne/data/jinja/template.h"

#include <utility>

#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/interpreter.h"
#include "heterodyne/data/jinja/statement_parser.h"

namespace heterodyne::jinja {

struct Template::Parsed {
  Body body;
};

Template::Template(std::string_view source, std::string where)
    : parsed_(std::make_unique<const Parsed>(Parsed{parse_template(source, where)})), where_(std::move(where)) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Table& names, const std::optional<std::tm>& now, const Limits& limits) const {
  Rendering rendering(where_, limits);
  Namespaces namespaces;
  auto known = global_functions(namespaces, now);
  for (const auto& [name, value] : names.entries()) known.emplace_back(name, Value::of_tree(value, where_));
  return Interpreter(rendering, parsed_->body, known).render();
}

}  // namespace heterodyne::jinja
