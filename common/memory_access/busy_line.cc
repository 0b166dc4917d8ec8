#include "common/memory_access/busy_line.h"

namespace hftmon {

LoadOrigin OriginOf(const DataSource& source) {
  // What was missed did not serve it.
  if (source.level_hit == false) return LoadOrigin::kUnknown;
  switch (source.level) {
    case AccessLevel::kL1:
    case AccessLevel::kLineFillBuffer:
    case AccessLevel::kL2:
    case AccessLevel::kL3:
    case AccessLevel::kL4:
      return source.remote ? LoadOrigin::kRemoteCache : LoadOrigin::kLocalCache;
    case AccessLevel::kPeerCache:
      // Near is where no bit says far, but this level is told where the hardware does not know.
      return source.remote ? LoadOrigin::kRemoteCache : LoadOrigin::kUnknown;
    case AccessLevel::kRemoteCache:
      return LoadOrigin::kRemoteCache;
    case AccessLevel::kLocalDram:
      return source.remote ? LoadOrigin::kRemoteMemory : LoadOrigin::kLocalMemory;
    case AccessLevel::kRemoteDram:
      return LoadOrigin::kRemoteMemory;
    case AccessLevel::kPersistentMemory:
      return source.remote ? LoadOrigin::kRemoteMemory : LoadOrigin::kLocalMemory;
    case AccessLevel::kUnknown:
    case AccessLevel::kCxl:
    case AccessLevel::kIo:
    case AccessLevel::kUncached:
      return LoadOrigin::kUnknown;
  }
  return LoadOrigin::kUnknown;
}

}  // namespace hftmon
