class Ask
  def initialize(llm: RubyLLM, factory: -> { RubyLLM.chat })
    @llm = llm
    @factory = factory
  end

  def call(text)
    @factory.call.with_system("Be brief.").ask(text)
    @llm.chat(model: "anthropic/claude-sonnet-4.5").ask(text)
  end

  def other(text) = @llm.completion(text)
end
