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
                       const Table& metadata) {
  auto sorted = tensors;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    const int rank_a = rank_of(a.second.scalar_type());
    const int rank_b = rank_of(b.second.scalar_type());
    return rank_a != rank_b ? rank_a > rank_b : a.first < b.first;
  });
  SafetensorsHeader header;
  header.metadata = metadata;
  std::unordered_set<std::string> names;
  for (const auto& [name, tensor] : sorted) {
    const bool is_new = names.insert(name).second;
    HETERODYNE_DCHECK(is_new);
    header.tensors.emplace_back(name, TensorInfo{tensor.scalar_type(), tensor.sizes().vec()});
  }
  FileWriter file(path);
  file.write(write_safetensors_header(header));
  for (const auto& [name, tensor] : sorted) {
    const auto values = tensor.detach().to(torch::kCPU).contiguous();
    file.write({static_cast<const char*>(values.const_data_ptr()), values.nbytes()});
  }
  file.commit();
}

}  // namespace heterodyne::io
