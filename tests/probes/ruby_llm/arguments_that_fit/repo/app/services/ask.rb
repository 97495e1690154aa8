class Ask
  OPTIONS = { model: "anthropic/claude-sonnet-4.5" }.freeze

  def call(text, **options, &block)
    chat = RubyLLM.chat(**OPTIONS, **options)
    chat.add_message(RubyLLM::Message.new(role: :user, content: text))
    chat.add_message(role: :assistant, content: "yes", model_id: "x")
    chat.with_instructions("Be brief.", append: true)
    chat.with_tools(*tools, replace: true).with_params(**options)
    chat.with_thinking(effort: :low)
    chat.ask(text, with: "report.pdf", &block)
    RubyLLM.embed(text, dimensions: 10).vectors
  end
end
