class Llm
  def self.client
    @client ||= RubyLLM.chat(model: "x")
  end
end
