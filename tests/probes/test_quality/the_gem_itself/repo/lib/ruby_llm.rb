module RubyLLM
end
