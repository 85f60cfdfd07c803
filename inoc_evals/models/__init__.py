"""How a model is run: any run or checkpoint by one name, behind Inspect's `inoc/` provider.

Whatever loads a model imports this first. PEFT imports bitsandbytes where it is installed, which then warns
on some CPUs, whatever the model, that it lacks a faster product for 4-bit weights.
"""

import logging

logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(
    lambda record: "gemm_4bit_forward" not in str(record.msg)
)
