class Tools
  def client = RubyLLM::MCP.client(name: "files")
  def other = RubyLLM::Monitoring.start
  def chat = RubyLLM.chat(provider: :openrouter)
end
