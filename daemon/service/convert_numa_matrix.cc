#include "daemon/service/convert_numa_matrix.h"

namespace hftmon {

void NumaMatrixToProto(const NumaMatrix& matrix, v1::MeasureNumaResponse* out) {
  out->set_elapsed_ns(matrix.elapsed_ns);
  out->set_bytes_moved(matrix.bytes_moved);
  for (const MeasuredPair& pair : matrix.pairs) {
    v1::MeasuredPair* added = out->add_pairs();
    added->set_cpu_node(pair.plan.cpu_node);
    added->set_memory_node(pair.plan.memory_node);
    if (pair.plan.cpu) added->set_cpu(*pair.plan.cpu);
    if (pair.load_ns) added->set_load_ns(*pair.load_ns);
    if (pair.read_mb_s) added->set_read_mb_s(*pair.read_mb_s);
    added->set_buffer_bytes(pair.plan.buffer_bytes);
    added->set_huge_pages(pair.huge_pages);
    added->set_page_bytes(pair.page_bytes);
    added->set_small_pages_reason(pair.small_pages_reason);
    added->set_reason(pair.plan.reason);
  }
}

}  // namespace hftmon
