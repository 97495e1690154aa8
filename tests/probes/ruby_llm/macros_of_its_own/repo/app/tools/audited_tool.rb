class AuditedTool < RubyLLM::Tool
  include Audited
  audit_as :refund
  description "Says who did what"

  def execute = "nobody"
end
