module Llm
  class Client
    def chat(messages:)
      llm = RubyLLM.chat(provider: :openrouter)
      messages[0..-2].each { |m| llm.add_message(role: m[:role], content: m[:content]) }
      plain(llm.ask(messages.last[:content]))
    end

    def transcript(path) = RubyLLM.transcribe(path).text

    private

    def plain(response)
      content = response.content
      content.respond_to?(:text) ? content.text : content
    end
  end
end
