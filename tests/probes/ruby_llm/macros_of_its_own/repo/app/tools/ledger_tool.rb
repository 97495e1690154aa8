class LedgerTool < RubyLLM::Tool
  description "Reads the ledger"

  def initialize(ledger, strict: false) = @ledger = [ledger, strict]
  def execute = @ledger.to_s
end
