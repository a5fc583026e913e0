#include "heterodyne/io/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <unordered_set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

namespace heterodyne::io {
namespace {

// The reference library's order of dtypes, by rising alignment (safetensors 0.4 to 0.6, tensor.rs).
int rank_of(torch::Dtype dtype) {
  static constexpr std::array kOrder = {torch::kBool,    torch::kUInt8,    torch::kInt8,  torch::kInt16,
                                        torch::kFloat16, torch::kBFloat16, torch::kInt32, torch::kFloat32,
                                        torch::kFloat64, torch::kInt64};
  return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), dtype) - kOrder.begin());
}

constexpr int64_t kWorthwhile = int64_t{1} << 16;  // values

// Whether the lower halves of all values are zero, so that bfloat16 says the same.
bool is_exact_in_bfloat16(const torch::Tensor& tensor) {
  const auto values = tensor.detach().to(torch::kCPU).contiguous();
  const auto* bits = static_cast<const uint32_t*>(values.const_data_ptr());
  return std::all_of(bits, bits + values.numel(), [](uint32_t value) { return (value & 0xffff) == 0; });
}

// Of values of float32, as bits: a conversion would not keep those of every NaN.
torch::Tensor upper_halves(const torch::Tensor& values) {
  return values.view(torch::kInt16).view({-1, 2}).select(1, 1).contiguous();
}

torch::Dtype stored_dtype(const torch::Tensor& tensor, Float32Form form) {
  const bool may_be_shorter = form == Float32Form::kShortest && tensor.scalar_type() == torch::kFloat32 &&
                              tensor.numel() >= kWorthwhile && is_exact_in_bfloat16(tensor);
  return may_be_shorter ? torch::kBFloat16 : tensor.scalar_type();
}

}  // namespace

// The file's bytes in memory. Private and writable: whoever writes gets his own page.
class SafetensorsFile::Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const auto check = [&](bool fine) {
      if (!fine) throw FormatError::in_file(path, "cannot be read: " + std::system_category().message(errno));
    };
    const internal::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    check(file.number() >= 0);
    struct stat status{};
    check(::fstat(file.number(), &status) == 0);
    size_ = static_cast<size_t>(status.st_size);
    if (size_ == 0) return;
    // Without a reserve, or files larger than the memory could not be opened.
    void* address = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.number(), 0);
    check(address != MAP_FAILED);
    bytes_ = static_cast<char*>(address);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (bytes_ != nullptr) ::munmap(bytes_, size_);
  }

  char* bytes() const { return bytes_; }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char* bytes_ = nullptr;
  size_t size_ = 0;
};

SafetensorsFile::SafetensorsFile(const std::string& path)
    : path_(path),
      mapping_(std::make_shared<Mapping>(path)),
      header_(parse_safetensors_header(mapping_->view(), path)) {
  for (const auto& [name, info] : header_.tensors) {
    place_.emplace(name, names_.size());
    names_.push_back(name);
  }
}

const TensorInfo& SafetensorsFile::info(const std::string& name) const {
  const auto found = place_.find(name);
  if (found != place_.end()) return header_.tensors[found->second].second;
  const std::string close = nearest(name, names_);
  throw FormatError::in_file(
      path_, fmt::format("no tensor \"{}\"{}", name, close.empty() ? "" : "; nearest: \"" + close + "\""));
}

torch::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const TensorInfo& place = info(name);
  if (place.begin == place.end) return torch::empty(place.sizes, place.dtype);
  char* values = mapping_->bytes() + place.begin;
  if (place.dtype == torch::kBool) {
    const std::string_view flags(values, place.end - place.begin);
    const size_t wrong = flags.find_first_not_of(std::string_view("\0\1", 2));
    if (wrong != std::string_view::npos) {
      throw FormatError::in_file(path_, place.begin + wrong,
                                 fmt::format("tensor \"{}\": expected a BOOL of 0 or 1, got {}", name,
                                             static_cast<unsigned char>(flags[wrong])));
    }
  }
  if (reinterpret_cast<uintptr_t>(values) % torch::elementSize(place.dtype) != 0) {
    auto copy = torch::empty(place.sizes, place.dtype);
    std::memcpy(copy.data_ptr(), values, place.end - place.begin);
    return copy;
  }
  return torch::from_blob(values, place.sizes, [owner = mapping_](void*) {}, place.dtype);
}

void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                       const Table& metadata, Float32Form form) {
  struct Item {
    std::string name;
    torch::Tensor tensor;
    torch::Dtype dtype;
  };
  std::vector<Item> sorted;
  for (const auto& [name, tensor] : tensors) sorted.push_back({name, tensor, stored_dtype(tensor, form)});
  std::sort(sorted.begin(), sorted.end(), [](const Item& a, const Item& b) {
    const int rank_a = rank_of(a.dtype), rank_b = rank_of(b.dtype);
    return rank_a != rank_b ? rank_a > rank_b : a.name < b.name;
  });
  SafetensorsHeader header;
  header.metadata = metadata;
  std::unordered_set<std::string> names;
  for (const auto& item : sorted) {
    const bool is_new = names.insert(item.name).second;
    HETERODYNE_DCHECK(is_new);
    header.tensors.emplace_back(item.name, TensorInfo{item.dtype, item.tensor.sizes().vec()});
  }
  FileWriter file(path);
  file.write(write_safetensors_header(header));
  for (const auto& item : sorted) {
    auto values = item.tensor.detach().to(torch::kCPU).contiguous();
    if (item.dtype != values.scalar_type()) values = upper_halves(values);
    file.write({static_cast<const char*>(values.const_data_ptr()), values.nbytes()});
  }
  file.commit();
}

}  // namespace heterodyne::io
