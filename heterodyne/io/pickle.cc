#include "heterodyne/io/pickle.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>

#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/zip.h"

namespace heterodyne::io {
namespace {

constexpr size_t kMostObjects = 20'000'000;
constexpr size_t kMostEntries = 1'000'000;
constexpr size_t kMostDimensions = 64;

struct Object;
using Handle = std::shared_ptr<Object>;

struct Mark {};
struct Name {  // of something that PyTorch writes
  std::string text;
};
struct Items {  // a list or a tuple
  std::vector<Handle> items;
};
struct Dictionary {
  std::vector<std::pair<Handle, Handle>> entries;
};
struct Storage {
  torch::Dtype dtype;
  std::string_view bytes;
};

struct Object {
  std::variant<std::monostate, Mark, bool, int64_t, double, std::string, Name, Items, Dictionary, Storage,
               torch::Tensor>
      content;
};

std::optional<torch::Dtype> dtype_of(const std::string& name) {
  static const std::map<std::string, torch::Dtype> all{
      {"torch FloatStorage", torch::kFloat32}, {"torch DoubleStorage", torch::kFloat64},
      {"torch HalfStorage", torch::kFloat16},  {"torch BFloat16Storage", torch::kBFloat16},
      {"torch LongStorage", torch::kInt64},    {"torch IntStorage", torch::kInt32},
      {"torch ShortStorage", torch::kInt16},   {"torch CharStorage", torch::kInt8},
      {"torch ByteStorage", torch::kUInt8},    {"torch BoolStorage", torch::kBool}};
  const auto found = all.find(name);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

constexpr const char* kDictionary = "collections OrderedDict";
constexpr const char* kTensor = "torch._utils _rebuild_tensor_v2";
constexpr const char* kParameter = "torch._utils _rebuild_parameter";

class Machine {
 public:
  Machine(std::string_view program, std::string prefix, const std::map<std::string, std::string_view>& files,
          const std::string& path)
      : program_(program), prefix_(std::move(prefix)), files_(files), path_(path) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  // One after the other: values may hold each other in circles or a million deep.
  ~Machine() {
    for (const Handle& object : all_) object->content = std::monostate();
  }

  /// Lives as long as the machine does.
  Handle run() {
    while (true) {
      const char code = bytes(1).front();
      if (code == '.') return pop();
      if (!does_number(code) && !does_container(code) && !does_memory(code) && !does_call(code))
        fail(fmt::format("expected an instruction that builds tensors, got 0x{:02x}; nothing was executed",
                         static_cast<unsigned char>(code)));
    }
  }

 private:
  template <class T>
  T& as(const Handle& handle, const char* what) const {
    if (T* content = std::get_if<T>(&handle->content)) return *content;
    fail(fmt::format("expected {}, got another value", what));
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw FormatError::in_file(path_, fmt::format("{}data.pkl: byte {}: {}", prefix_, at_, message));
  }

  std::string_view bytes(size_t count) {
    if (count > program_.size() - at_) fail(fmt::format("expected {} bytes more, got the end", count));
    at_ += count;
    return program_.substr(at_ - count, count);
  }

  uint64_t number(size_t num_bytes) {
    const std::string_view text = bytes(num_bytes);
    uint64_t value = 0;
    for (size_t i = num_bytes; i-- > 0;) value = (value << 8U) | static_cast<unsigned char>(text[i]);
    return value;
  }

  std::string line() {
    const size_t end = program_.find('\n', at_);
    if (end == std::string_view::npos) fail("expected a name and a line end, got the end");
    std::string text(program_.substr(at_, end - at_));
    at_ = end + 1;
    return text;
  }

  template <class T>
  bool push(T&& content) {
    if (all_.size() == kMostObjects) fail(fmt::format("expected at most {} values, got more", kMostObjects));
    all_.push_back(std::make_shared<Object>(Object{std::forward<T>(content)}));
    stack_.push_back(all_.back());
    return true;
  }

  Handle pop() {
    if (stack_.empty()) fail("expected a value on the stack, got none");
    Handle top = std::move(stack_.back());
    stack_.pop_back();
    return top;
  }

  Handle& top() {
    if (stack_.empty()) fail("expected a value on the stack, got none");
    return stack_.back();
  }

  // What lies above the last mark, which goes too.
  std::vector<Handle> pop_to_mark() {
    size_t place = stack_.size();
    while (place > 0 && !std::holds_alternative<Mark>(stack_[place - 1]->content)) --place;
    if (place == 0) fail("expected a mark on the stack, got none");
    std::vector<Handle> items(stack_.begin() + static_cast<std::ptrdiff_t>(place), stack_.end());
    stack_.resize(place - 1);
    return items;
  }

  int64_t long_number(size_t num_bytes) {
    if (num_bytes > 8) fail(fmt::format("expected a number of at most 8 bytes, got {}", num_bytes));
    if (num_bytes == 0) return 0;
    const uint64_t value = number(num_bytes);
    const auto shift = static_cast<unsigned>(64 - 8 * num_bytes);
    return static_cast<int64_t>(value << shift) >> shift;  // the highest bit is the sign
  }

  bool does_number(char code) {
    switch (static_cast<unsigned char>(code)) {
      case 'N':
        return push(std::monostate());
      case 0x88:
        return push(true);
      case 0x89:
        return push(false);
      case 'K':
        return push(static_cast<int64_t>(number(1)));
      case 'M':
        return push(static_cast<int64_t>(number(2)));
      case 'J':
        return push(long_number(4));
      case 0x8A:
        return push(long_number(number(1)));
      case 'G':
        bytes(8);
        return push(0.0);  // no tensor depends on it
      case 'X':
        return push(std::string(bytes(number(4))));
      case 0x8C:
        return push(std::string(bytes(number(1))));
      case 0x80:
        return number(1) <= 5 || (fail("expected protocol 2 to 5, got a newer one"), false);
      case 0x95:
        return bytes(8), true;  // a frame's length
      default:
        return false;
    }
  }

  bool does_container(char code) {
    switch (static_cast<unsigned char>(code)) {
      case '(':
        return push(Mark());
      case ')':
      case ']':
        return push(Items());
      case '}':
        return push(Dictionary());
      case 't':
        return push(Items{pop_to_mark()});
      case 0x85:
        return push_tuple(1);
      case 0x86:
        return push_tuple(2);
      case 0x87:
        return push_tuple(3);
      case 'a':
        return append({pop()});
      case 'e':
        return append(pop_to_mark());
      case 's': {
        const Handle value = pop(), key = pop();
        return set_items({key, value});
      }
      case 'u':
        return set_items(pop_to_mark());
      default:
        return false;
    }
  }

  bool push_tuple(size_t count) {
    std::vector<Handle> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return push(Items{std::move(items)});
  }

  bool append(const std::vector<Handle>& items) {
    auto& list = as<Items>(top(), "a list").items;
    list.insert(list.end(), items.begin(), items.end());
    return true;
  }

  bool set_items(const std::vector<Handle>& items) {
    if (items.size() % 2 != 0) fail("expected keys with values, got a key without");
    auto& entries = as<Dictionary>(top(), "a dictionary").entries;
    for (size_t i = 0; i < items.size(); i += 2) entries.emplace_back(items[i], items[i + 1]);
    return true;
  }

  bool does_memory(char code) {
    switch (static_cast<unsigned char>(code)) {
      case 'q':
        memory_[number(1)] = top();
        return true;
      case 'r':
        memory_[number(4)] = top();
        return true;
      case 0x94:
        memory_[memory_.size()] = top();
        return true;
      case 'h':
        return recall(number(1));
      case 'j':
        return recall(number(4));
      default:
        return false;
    }
  }

  bool recall(uint64_t place) {
    const auto found = memory_.find(place);
    if (found == memory_.end()) fail(fmt::format("expected something remembered at {}, got nothing", place));
    stack_.push_back(found->second);
    return true;
  }

  bool does_call(char code) {
    switch (static_cast<unsigned char>(code)) {
      case 'c': {
        const std::string module = line();
        return push_name(module + " " + line());
      }
      case 0x93: {
        const Handle name = pop(), module = pop();
        return push_name(as<std::string>(module, "text") + " " + as<std::string>(name, "text"));
      }
      case 'Q':
        return push(storage(pop()));
      case 'R': {
        const Handle arguments = pop(), called = pop();
        return call(as<Name>(called, "a name").text, as<Items>(arguments, "a tuple").items);
      }
      case 'b':  // attributes of a dictionary, which are no part of its contents
        pop();
        as<Dictionary>(top(), "a dictionary");
        return true;
      default:
        return false;
    }
  }

  bool push_name(const std::string& name) {
    const bool is_known = name == kDictionary || name == kTensor || name == kParameter || dtype_of(name);
    if (!is_known)
      fail(fmt::format("expected names that belong to tensors, got \"{}\"; nothing was executed", printable(name)));
    return push(Name{name});
  }

  bool call(const std::string& name, const std::vector<Handle>& arguments) {
    if (name == kDictionary && arguments.empty()) return push(Dictionary());
    if (name == kTensor && arguments.size() >= 4) return push(tensor(arguments));
    if (name == kParameter && !arguments.empty()) return push(as<torch::Tensor>(arguments[0], "a tensor"));
    fail("expected a call that makes a tensor, got " + name + " with other arguments");
  }

  // ("storage", type, key, place, number of values)
  Storage storage(const Handle& description) {
    const auto& parts = as<Items>(description, "a tuple").items;
    if (parts.size() != 5 || as<std::string>(parts[0], "text") != "storage") fail("expected a storage of five parts");
    const auto dtype = dtype_of(as<Name>(parts[1], "a type").text);
    const std::string file = prefix_ + "data/" + as<std::string>(parts[2], "text");
    const auto found = files_.find(file);
    if (!dtype || found == files_.end()) fail("expected values in " + printable(file) + ", got no such file");
    return {*dtype, found->second};
  }

  std::vector<int64_t> sizes(const Handle& handle) const {
    const auto& items = as<Items>(handle, "a tuple").items;
    if (items.size() > kMostDimensions) fail(fmt::format("expected at most {} dimensions", kMostDimensions));
    std::vector<int64_t> all;
    for (const auto& item : items) {
      all.push_back(as<int64_t>(item, "a whole number"));
      if (all.back() < 0) fail("expected sizes of at least 0, got less");
    }
    return all;
  }

  // (storage, offset, sizes, strides, ...)
  torch::Tensor tensor(const std::vector<Handle>& arguments) {
    const Storage& values = as<Storage>(arguments[0], "a storage");
    const int64_t offset = as<int64_t>(arguments[1], "a whole number");
    const auto shape = sizes(arguments[2]), strides = sizes(arguments[3]);
    const auto width = static_cast<int64_t>(c10::elementSize(values.dtype));
    const int64_t held = static_cast<int64_t>(values.bytes.size()) / width;
    if (shape.size() != strides.size() || offset < 0) fail("expected as many strides as sizes");
    int64_t last = offset;  // the place of the last value
    int64_t count = 1;
    bool is_empty = false;
    for (size_t d = 0; d < shape.size(); ++d) {
      is_empty = is_empty || shape[d] == 0;
      int64_t reach = 0;
      if (shape[d] == 0) continue;
      if (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach) || __builtin_add_overflow(last, reach, &last))
        fail("expected a tensor inside its values, got one that reaches beyond");
      if (__builtin_mul_overflow(count, shape[d], &count) || count > held)
        fail(fmt::format("expected at most the {} values that are there, got a tensor of more", held));
    }
    if (!is_empty && last >= held)
      fail(fmt::format("expected a tensor inside its {} values, got one that reaches to {}", held, last));
    const auto options = torch::TensorOptions().dtype(values.dtype);
    if (is_empty) return torch::empty(shape, options);
    if (values.dtype == torch::kBool) check_flags(values.bytes);
    // A copy, since the values need not lie where their type may; of this tensor's part alone, since many may share one
    // storage.
    auto part = torch::empty({last - offset + 1}, options);
    std::copy_n(values.bytes.data() + offset * width, static_cast<size_t>(part.numel() * width),
                static_cast<char*>(part.data_ptr()));
    return part.as_strided(shape, strides).contiguous();
  }

  void check_flags(std::string_view values) const {
    for (const char value : values) {
      if (value != 0 && value != 1) fail("expected flags of 0 or 1, got another value");
    }
  }

  std::string_view program_;
  size_t at_ = 0;
  std::string prefix_;
  const std::map<std::string, std::string_view>& files_;
  const std::string& path_;
  std::vector<Handle> stack_;
  std::unordered_map<uint64_t, Handle> memory_;
  std::vector<Handle> all_;
};

using NamedTensorList = std::vector<std::pair<std::string, torch::Tensor>>;

// Goes down into dictionaries; `depth` and `left` keep those that hold themselves from going on for ever.
void collect(const Object& object, const std::string& prefix, int depth, size_t& left, NamedTensorList& all) {
  const auto* dictionary = std::get_if<Dictionary>(&object.content);
  if (dictionary == nullptr || depth > 8) return;
  for (const auto& [key, value] : dictionary->entries) {
    if (left == 0) return;
    --left;
    const auto* name = std::get_if<std::string>(&key->content);
    if (name == nullptr) continue;
    if (const auto* tensor = std::get_if<torch::Tensor>(&value->content)) all.emplace_back(prefix + *name, *tensor);
    else collect(*value, prefix + *name + ".", depth + 1, left, all);
  }
}

}  // namespace

NamedTensorList read_pickled_tensors(const std::string& path) {
  const std::string archive = read_file(path);
  const auto files = read_stored_zip(archive, path);
  std::string prefix;
  std::string_view program;
  for (const auto& [name, content] : files) {
    if (!name.ends_with("/data.pkl")) continue;
    prefix = name.substr(0, name.size() - std::string_view("data.pkl").size());
    program = content;
  }
  if (prefix.empty())
    throw FormatError::in_file(path, "expected a file of torch.save(), got an archive without data.pkl");
  Machine machine(program, prefix, files, path);
  NamedTensorList all;
  size_t left = kMostEntries;
  collect(*machine.run(), "", 0, left, all);
  return all;
}

}  // namespace heterodyne::io
