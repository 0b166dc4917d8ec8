#include "daemon/numa/mapping_kind.h"

#include <algorithm>
#include <array>

namespace hftmon {
namespace {

struct NamedKind {
  std::string_view prefix;
  MappingKind kind;
};

// The first that fits.
constexpr std::array kKinds = std::to_array<NamedKind>({
    {"[heap]", MappingKind::kHeap},
    {"[stack", MappingKind::kStack},  // "[stack:1234]" before 4.5
    {"[anon_shmem:", MappingKind::kSharedMemory},
    {"[anon:", MappingKind::kAnonymous},
    {"/memfd:", MappingKind::kSharedMemory},
    {"/dev/zero", MappingKind::kSharedMemory},
    {"/dev/shm/", MappingKind::kSharedMemory},
    {"/SYSV", MappingKind::kSharedMemory},
    {"/anon_hugepage", MappingKind::kHugetlb},
    {"/dev/hugepages/", MappingKind::kHugetlb},
    {"/", MappingKind::kFile},
});

}  // namespace

std::string_view MappingKindName(MappingKind kind) {
  switch (kind) {
    case MappingKind::kAnonymous:
      return "anonymous";
    case MappingKind::kHeap:
      return "heap";
    case MappingKind::kStack:
      return "stack";
    case MappingKind::kFile:
      return "file";
    case MappingKind::kSharedMemory:
      return "shared_memory";
    case MappingKind::kHugetlb:
      return "hugetlb";
    case MappingKind::kSpecial:
      return "special";
    case MappingKind::kSeveral:
      return "several";
  }
  return "special";
}

MappingKind KindOf(std::string_view name) {
  if (name.empty()) return MappingKind::kAnonymous;
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(), [&](const NamedKind& row) { return name.starts_with(row.prefix); });
  return found == kKinds.end() ? MappingKind::kSpecial : found->kind;
}

}  // namespace hftmon
