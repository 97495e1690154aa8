class ApplicationTool < RubyLLM::Tool
  class_attribute :cost
  def self.requires_role(name) = (@role = name)
end
