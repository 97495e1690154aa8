task ping: :environment do
  puts RubyLLM.chat.ask("ping").content
  puts Ask.new.call("ping")
end
