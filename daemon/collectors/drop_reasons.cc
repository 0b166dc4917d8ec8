#include "daemon/collectors/drop_reasons.h"

#include <bpf/btf.h>
#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

namespace hftmon {
namespace {

constexpr char kType[] = "skb_drop_reason";
constexpr std::string_view kPrefix = "SKB_DROP_REASON_";
constexpr uint32_t kCoreReasons = 1u << 16;  // numbers from here on are other subsystems': number >> 16 says whose

struct FreeTypes {
  void operator()(btf* types) const { btf__free(types); }
};

}  // namespace

DropReasons DropReasons::Read(const std::string& btf_path) {
  std::map<uint32_t, std::string> names;
  const std::unique_ptr<btf, FreeTypes> types(btf__parse(btf_path.c_str(), nullptr));
  const int id = types ? btf__find_by_name_kind(types.get(), kType, BTF_KIND_ENUM) : -1;
  if (id < 0) return DropReasons();
  const btf_type* type = btf__type_by_id(types.get(), static_cast<uint32_t>(id));
  const struct btf_enum* values = btf_enum(type);
  for (uint16_t i = 0; i < btf_vlen(type); ++i) {
    const char* name = btf__name_by_offset(types.get(), values[i].name_off);
    if (name != nullptr) names[static_cast<uint32_t>(values[i].val)] = name;
  }
  return DropReasons(std::move(names));
}

std::string DropReasons::NameOf(uint32_t reason) const {
  if (reason >= kCoreReasons) return fmt::format("subsystem {} reason {}", reason >> 16, reason & 0xffff);
  const auto found = names_.find(reason);
  if (found == names_.end()) return reason == 0 ? "not told (Linux before 5.17)" : fmt::format("reason {}", reason);
  const std::string_view name = found->second;
  return std::string(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
}

}  // namespace hftmon
