// The syntax trees of templates: what the parser makes and the interpreter goes through.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/data/jinja/value.h"

namespace heterodyne::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

struct NamedExpression {
  std::string name;
  ExpressionPtr value;
};

struct Expression {
  enum class Kind {
    kConstant,     // constant
    kName,         // name
    kList,         // parts
    kTuple,        // parts
    kDict,         // parts: key, value, key, value
    kAttribute,    // parts[0] . name
    kSubscript,    // parts[0] [parts[1]]
    kSlice,        // parts[0] [parts[1] : parts[2] : parts[3]], each of those may be null
    kCall,         // parts[0] (parts[1], ..., named)
    kFilter,       // parts[0] | name(parts[1], ..., named)
    kTest,         // parts[0] is name(parts[1], ..., named)
    kNot,          // parts[0]
    kSigned,       // name, + or -, parts[0]
    kAnd,          // parts[0], parts[1]
    kOr,           // the same
    kArithmetic,   // parts[0] name parts[1]; the name ~ joins texts
    kCompare,      // parts[0] signs[0] parts[1] signs[1] parts[2]; also "in" and "not in"
    kConditional,  // parts[0] if parts[1] else parts[2], which may be null
  };
  Kind kind = Kind::kConstant;
  int line = 0;
  int depth = 1;
  std::string name = {};
  Value constant = {};
  std::vector<ExpressionPtr> parts = {};
  std::vector<NamedExpression> named = {};
  std::vector<std::string> signs = {};
};

struct Statement;
using Body = std::vector<Statement>;

/// What can be called: a macro, or the content of a call block.
struct MacroSyntax {
  std::string name;
  std::vector<std::string> parameters = {};
  std::vector<ExpressionPtr> defaults = {};  // of each parameter, null where there is none
  Body body = {};
  bool takes_more = false;   // uses `varargs`
  bool takes_named = false;  // uses `kwargs`
  bool takes_caller = false;
};

/// The name under which a filter that is put on a block finds the block's text. No template can say it.
constexpr const char* kBlockText = " block";

struct Statement {
  enum class Kind {
    kText,         // text
    kOutput,       // values[0]
    kIf,           // values[i]: bodies[i], and perhaps one body more
    kFor,          // targets[0] in values[0], if values[1], which may be null: bodies[0], else bodies[1]
    kSet,          // targets[0] = values[0]
    kSetBlock,     // targets[0] = bodies[0], through values[0], which may be null
    kMacro,        // macro
    kCallBlock,    // values[0] with macro as `caller`
    kFilterBlock,  // bodies[0] through values[0]
    kWith,         // targets[i] = values[i] in bodies[0]
    kGroup,        // bodies[0], with names of its own
    kBreak,
    kContinue,
  };
  Kind kind = Kind::kText;
  int line = 0;
  std::string text = {};
  std::vector<ExpressionPtr> targets = {};  // kName, kAttribute of a kName, kTuple
  std::vector<ExpressionPtr> values = {};
  std::vector<Body> bodies = {};
  std::shared_ptr<const MacroSyntax> macro = {};
};

}  // namespace heterodyne::jinja
